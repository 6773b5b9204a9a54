//! Valid and invalid requests with secrets.

use reqwest::Method;
use serde_json::{Value, json};

use super::KnownSecrets;
use super::search::SecretSearch;
use crate::harness::{EMAIL, SLUG, Server, send};

pub(crate) async fn send_all(server: &Server, known: &KnownSecrets, search: &mut SecretSearch) {
    let mut requests = SecretRequests { server, search };
    for secret in &known.secrets {
        requests.in_credentials(secret).await;
    }
    for secret in known.secrets.iter().rev().take(2) {
        requests.mistyped(secret).await;
        requests.in_the_address(secret).await;
        requests.in_other_headers(secret).await;
        requests.in_bodies(secret).await;
        requests.on_pages(secret).await;
    }
    let manager_key = server.create_secret(&["project", "inference", "keys", "node"]).await;
    // Everyone may see a publishable key, so names can contain one.
    for secret in known.secrets.iter().filter(|secret| secret.contains("_sk_")).take(2) {
        requests.in_stored_texts(&manager_key, secret).await;
    }
    requests.passwords_in_wrong_places().await;
}

struct SecretRequests<'a> {
    server: &'a Server,
    search: &'a mut SecretSearch,
}

impl SecretRequests<'_> {
    async fn ask(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) {
        let mut request = self.server.request(method.clone(), path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = send(request).await;
        assert!(answer.status.as_u16() < 500, "{path}: {answer:?}");
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        self.search.answer(&format!("{method} {path} {names:?}"), &answer);
    }

    async fn get(&mut self, path: &str, headers: &[(&str, &str)]) {
        self.ask(Method::GET, path, headers, None).await;
    }

    async fn in_credentials(&mut self, secret: &str) {
        let bearer = format!("Bearer {secret}");
        for path in ["/api/v1/projects", "/api/v1/keys", "/api/v1/scopes", "/api/v1/nowhere", "/account"] {
            self.get(path, &[("authorization", &bearer)]).await;
            self.get(path, &[("x-api-key", secret)]).await;
            self.get(&format!("{path}?api-key={secret}"), &[]).await;
        }
        let question = json!({ "workspace": SLUG, "permission": "models:train" });
        self.ask(Method::POST, "/api/v1/verify", &[("authorization", &bearer)], Some(question.clone())).await;
        self.ask(Method::POST, &format!("/api/v1/verify?api-key={secret}"), &[], Some(question.clone()))
            .await;
        let service = [("authorization", bearer.as_str()), ("x-keyrack-service-key", secret)];
        self.ask(Method::POST, "/api/v1/verify", &service, Some(question)).await;
        self.ask(Method::POST, "/api/v1/projects", &[("x-api-key", secret)], Some(json!({ "name": 1 })))
            .await;
    }

    async fn mistyped(&mut self, secret: &str) {
        let turned: String = secret[6..].chars().rev().collect();
        for wrong in [
            secret[..secret.len() - 1].to_owned(),
            format!("{secret}x"),
            format!("{secret} {secret}"),
            format!("\"{secret}\""),
            secret.replace("kr_", "acme_"),
            secret.replace('_', "-"),
            format!("kr_sk_{turned}"),
            secret[6..].to_owned(),
        ] {
            self.get("/api/v1/projects", &[("authorization", &format!("Bearer {wrong}"))]).await;
            self.get("/api/v1/projects", &[("x-api-key", &wrong)]).await;
        }
        for scheme in ["Basic", "bearer:", "Token", "Bearer\t", ""] {
            self.get("/api/v1/projects", &[("authorization", &format!("{scheme} {secret}"))]).await;
        }
        self.get(
            "/api/v1/projects",
            &[("authorization", &format!("Bearer {secret}")), ("x-api-key", "kr_sk_1")],
        )
        .await;
    }

    async fn in_the_address(&mut self, secret: &str) {
        for path in [
            format!("/{secret}"),
            format!("/api/v1/{secret}"),
            format!("/api/v1/keys/{secret}"),
            format!("/api/v1/projects/{secret}/"),
            format!("/keys/{secret}"),
            format!("/w/{secret}/projects"),
            format!("/w/{SLUG}/settings/api-keys/{secret}/edit"),
            format!("/assets/{secret}"),
            format!("/api/v1/keys?q={secret}"),
            format!("/api/v1/keys?cursor={secret}&status={secret}&limit={secret}"),
            format!("/api/v1/projects?key={secret}&api_key={secret}&token={secret}"),
            format!("/setup?token={secret}"),
            format!("/sign-in?next=/keys/{secret}"),
            format!("/?{secret}"),
        ] {
            for method in [Method::GET, Method::DELETE, Method::PATCH] {
                self.ask(method, &path, &[("x-api-key", secret)], None).await;
            }
            self.get(&path, &[]).await;
            self.get(&path.replace('_', "%5F"), &[]).await;
        }
        let strange = Method::from_bytes(secret.as_bytes()).unwrap();
        self.ask(strange, "/api/v1/projects", &[], None).await;
    }

    /// Texts that the server stores and shows. An idempotency key is stored as its digest.
    async fn in_stored_texts(&mut self, key: &str, secret: &str) {
        let own = [("x-api-key", key)];
        let created =
            self.server.post("/api/v1/keys", key, json!({ "name": "k", "scopes": ["inference"] })).await;
        let key_path = format!("/api/v1/keys/{}", created.ok().json()["id"].as_str().unwrap());
        let project = json!({ "name": format!("p{}", &secret[40..]), "projectType": "classification" });
        let created = self.server.post("/api/v1/projects", key, project).await;
        let project = format!("/api/v1/projects/{}", created.ok().json()["id"].as_str().unwrap());
        let text = format!("line 3 {secret}");
        for (method, path, body) in [
            (Method::POST, "/api/v1/keys", json!({ "name": text, "scopes": ["inference"] })),
            (Method::POST, "/api/v1/keys", json!({ "name": "n", "note": text, "scopes": ["inference"] })),
            (Method::PATCH, &key_path, json!({ "name": text })),
            (Method::PATCH, &key_path, json!({ "note": text })),
            (Method::DELETE, &key_path, json!({ "reason": text })),
            (Method::POST, "/api/v1/projects", json!({ "name": text, "projectType": "classification" })),
            (Method::PATCH, &project, json!({ "name": text })),
            (Method::PATCH, &project, json!({ "description": text })),
            (Method::POST, &format!("{project}/batches"), json!({ "name": text })),
            (Method::POST, &format!("{project}/labels"), json!([{ "name": text }])),
            (Method::POST, "/api/v1/nodes", json!({ "name": text })),
            (Method::PATCH, "/api/v1/workspace", json!({ "name": text })),
        ] {
            self.ask(method, path, &own, Some(body)).await;
        }
        let once = [("x-api-key", key), ("idempotency-key", secret)];
        self.ask(Method::POST, &format!("{key_path}/rotate"), &once, Some(json!({ "gracePeriod": "1h" })))
            .await;
    }

    async fn in_other_headers(&mut self, secret: &str) {
        let cookies =
            [format!("keyrack_session={secret}"), format!("keyrack_notice={secret}"), secret.to_owned()];
        for cookie in &cookies {
            self.get("/account", &[("cookie", cookie)]).await;
            self.get("/api/v1/projects", &[("cookie", cookie), ("x-keyrack-workspace", SLUG)]).await;
            self.get("/api/v1/projects", &[("cookie", cookie), ("x-api-key", secret)]).await;
        }
        let referer = format!("http://localhost/{secret}");
        for (name, value) in [
            ("x-keyrack-workspace", secret),
            ("referer", &referer),
            ("origin", &referer),
            ("x-request-id", secret),
            ("x-forwarded-for", secret),
            ("x-keyrack-service-key", secret),
            ("if-match", secret),
            ("content-type", secret),
            ("accept", secret),
            ("host", secret),
        ] {
            self.get("/api/v1/projects", &[(name, value)]).await;
            self.get("/sign-in", &[(name, value)]).await;
            self.ask(
                Method::PATCH,
                "/api/v1/keys/key_0",
                &[(name, value), ("x-api-key", secret)],
                Some(json!({})),
            )
            .await;
        }
    }

    async fn in_bodies(&mut self, secret: &str) {
        let key = [("x-api-key", secret)];
        for body in [
            json!({ secret: 1 }),
            json!({ "name": { secret: 1 }, "scopes": [] }),
            json!({ "name": "n", "scopes": secret }),
            json!({ "name": "n", "scopes": [secret] }),
            json!({ "name": "n", "scopes": ["inference"], "class": secret }),
            json!({ "name": "n", "scopes": ["inference"], "expiresAt": secret }),
            json!({ "name": "n", "scopes": ["inference"], "restrictions": secret }),
            json!({ "name": "n", "scopes": ["inference"], "restrictions": { secret: [] } }),
            json!({ "name": "n", "scopes": ["inference"], "restrictions": { "projects": [secret] } }),
            json!({ "name": "n", "scopes": ["inference"], "restrictions": { "networks": [secret], "origins": [secret] } }),
            json!(secret),
            json!([secret]),
        ] {
            self.ask(Method::POST, "/api/v1/keys", &key, Some(body)).await;
        }
        for (path, body) in [
            ("/api/v1/projects", json!({ "name": "n", "projectType": secret })),
            ("/api/v1/projects", json!({ "name": [secret], "projectType": "classification" })),
            ("/api/v1/verify", json!({ "workspace": secret })),
            (
                "/api/v1/verify",
                json!({ "workspace": SLUG, "permission": secret, "project": secret, "ip": secret }),
            ),
            ("/api/v1/verify", json!({ "workspace": SLUG, "key": secret })),
        ] {
            self.ask(Method::POST, path, &key, Some(body)).await;
        }
        let request = self.server.request(Method::POST, "/api/v1/keys").header("x-api-key", secret);
        let answer =
            send(request.header("content-type", "application/json").body(format!("{{{secret}"))).await;
        self.search.answer("a body that is no JSON", &answer);
    }

    async fn on_pages(&mut self, secret: &str) {
        let origin = self.server.url.clone();
        for (path, form) in [
            ("/sign-in", format!("email={secret}&password={secret}")),
            ("/setup", format!("token={secret}&password={secret}")),
            ("/workspaces/new", format!("name={secret}")),
            ("/sign-out", secret.to_owned()),
        ] {
            for origin in [origin.as_str(), "https://evil.example"] {
                let request = self.server.request(Method::POST, path).header("origin", origin);
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                let answer = send(request.body(form.clone())).await;
                // The sign-in page shows the typed email address again.
                if path != "/sign-in" {
                    self.search.answer(path, &answer);
                }
            }
        }
    }

    async fn passwords_in_wrong_places(&mut self) {
        let password = crate::harness::PASSWORD;
        let origin = self.server.url.clone();
        let encoded = password.replace(' ', "+");
        for form in [
            format!("email={EMAIL}&password={encoded}x"),
            format!("email=nobody%40example.org&password={encoded}"),
            format!("email={EMAIL}&password={encoded}&next=%2Fnowhere"),
            format!("password={encoded}&password={encoded}"),
        ] {
            let request = self.server.request(Method::POST, "/sign-in").header("origin", &origin);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            self.search.answer("a sign-in", &send(request.body(form)).await);
        }
    }
}
