// Runs a client from openapi-generator against a running server.
//
// Arguments: the server's URL, secret keys with the scopes Project, Keys and Inference, a ready classification model, and an image
// file.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"

	keyrack "example.com/generated/client"
)

func main() {
	address, projectKey, keysKey, inferenceKey, model, imageFile := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	configuration := keyrack.NewConfiguration()
	configuration.Servers = keyrack.ServerConfigurations{{URL: address + "/api/v1"}}
	client := keyrack.NewAPIClient(configuration)
	with := func(secret string) context.Context {
		return context.WithValue(context.Background(), keyrack.ContextAccessToken, secret)
	}
	owner, keys := with(projectKey), with(keysKey)

	body := *keyrack.NewCreateProjectRequest("Generated Go", keyrack.CLASSIFICATION)
	project, _, err := client.ProjectsAPI.CreateProject(owner).CreateProjectRequest(body).Execute()
	check(err == nil && project.ProjectType == keyrack.CLASSIFICATION, project, err)
	_, _, err = client.ProjectsAPI.CreateProject(owner).CreateProjectRequest(body).Execute()
	check(code(err) == "name_taken", err)

	upload, _, err := client.DatasetsAPI.CreateUpload(owner, project.Id).CreateUploadRequest(*keyrack.NewCreateUploadRequest("cap.jpg")).Execute()
	check(err == nil, upload, err)
	there, err := url.Parse(upload.UploadUrl)
	check(err == nil, err)
	file, err := os.Open(imageFile)
	check(err == nil, err)
	_, err = client.DatasetsAPI.UploadImage(context.Background(), path.Base(there.Path)).Signature(there.Query().Get("signature")).Body(file).Execute()
	check(err == nil, err)
	image, err := os.ReadFile(imageFile)
	check(err == nil, err)
	record, _, err := client.DatasetsAPI.CreateRecord(owner, project.Id).CreateRecordRequest(*keyrack.NewCreateRecordRequest("cap.jpg", upload.Uri)).Execute()
	check(err == nil && int(record.Size) == len(image), record, err)

	wanted := keyrack.NewCreateKeyRequest("Made by a generated Go client", []keyrack.ScopeName{keyrack.INFERENCE})
	restrictions := keyrack.NewKeyRestrictions()
	restrictions.SetRate(*keyrack.NewRateLimit(10, 60))
	wanted.SetRestrictions(*restrictions)
	key, _, err := client.KeysAPI.CreateKey(keys).CreateKeyRequest(*wanted).Execute()
	check(err == nil && strings.HasPrefix(key.Secret, "kr_sk_"), err)
	question := keyrack.NewVerifyKeyRequest("northfield-vision")
	question.SetPermission(keyrack.MODELS_PREDICT)
	verified, _, err := client.VerificationAPI.VerifyKey(with(key.Secret)).VerifyKeyRequest(*question).Execute()
	check(err == nil && verified.Valid && verified.Key.Id == key.Id, verified, err)

	picture := *keyrack.NewClassifyRequest(base64.StdEncoding.EncodeToString(image))
	found, _, err := client.PredictionsAPI.Classify(with(key.Secret), model).ClassifyRequest(picture).Execute()
	check(err == nil && found.Category != "" && found.Confidence <= 1, found, err)
	_, _, err = client.ProjectsAPI.CreateProject(with(inferenceKey)).CreateProjectRequest(body).Execute()
	check(code(err) == "insufficient_scope", err)

	deleted, _, err := client.KeysAPI.DeleteKey(keys, key.Id).Execute()
	check(err == nil && deleted.Propagation.Confirmed == deleted.Propagation.Nodes, deleted, err)
	_, _, err = client.VerificationAPI.VerifyKey(with(key.Secret)).VerifyKeyRequest(*question).Execute()
	check(code(err) == "deleted_key", err)
	fmt.Println("all checks passed")
}

// The code of the problem in an error.
func code(err error) string {
	var denied *keyrack.GenericOpenAPIError
	if !errors.As(err, &denied) {
		return ""
	}
	problem, _ := denied.Model().(keyrack.Problem)
	return problem.Code
}

func check(holds bool, shown ...any) {
	if !holds {
		panic(fmt.Sprintf("%+v", shown))
	}
}
