// Runs openapi-fetch with types from openapi-typescript against a running server. Compiled in strict mode.
// Arguments: the server's URL, secret keys with the scopes Project, Keys and Inference, a ready classification model, an image file.
import { readFileSync } from 'node:fs'
import createClient from 'openapi-fetch'
import type { components, paths } from './keyrack.js'

const [url, projectKey, keysKey, inferenceKey, model, imageFile] = process.argv.slice(2) as string[]
const client = (secret?: string) =>
  createClient<paths>({ baseUrl: `${url}/api/v1`, headers: secret ? { 'X-Api-Key': secret } : {} })

function check(holds: unknown, shown: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(shown))
}

const image = readFileSync(imageFile!)
const owner = client(projectKey)
const body: components['schemas']['CreateProjectRequest'] = { name: 'Generated types', projectType: 'classification' }
const { data: project, error } = await owner.POST('/projects', { body })
check(project, error)
const taken = await owner.POST('/projects', { body })
check(taken.error?.code === 'name_taken', taken)

const path = { id: project.id }
const { data: upload } = await owner.POST('/projects/{id}/upload', { params: { path }, body: { name: 'cap.jpg' } })
check(upload, upload)
const sent = await fetch(upload.uploadUrl, { method: 'PUT', body: image })
check(sent.status === 204, sent.status)
const source = { name: 'cap.jpg', source: upload.uri }
const { data: record } = await owner.POST('/projects/{id}/datasets/records', { params: { path }, body: source })
check(record?.size === image.length, record)

const keys = client(keysKey)
const { data: key } = await keys.POST('/keys', { body: { name: 'Made by generated types', scopes: ['inference'] } })
check(key && key.secret.startsWith('kr_sk_'), key)
const question = { workspace: 'northfield-vision', permission: 'models:predict' as const }
const { data: verified } = await client(key.secret).POST('/verify', { body: question })
check(verified?.valid && verified.key.id === key.id, verified)

const { data: found } = await client(key.secret).POST('/predict/classify/{model_id}', {
  params: { path: { model_id: model! } },
  body: { image: image.toString('base64') }
})
check(found && found.confidence <= 1, found)
const denied = await client(inferenceKey).POST('/projects', { body })
check(denied.error?.code === 'insufficient_scope', denied)
const { data: deleted } = await keys.DELETE('/keys/{id}', { params: { path: { id: key.id } } })
check(deleted?.propagation, deleted)
console.log('all checks passed')
