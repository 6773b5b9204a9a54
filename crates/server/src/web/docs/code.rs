//! The code of an example request in three languages. It reads the secret key from an environment variable.

use serde_json::Value;
use std::fmt::Write;

use super::view::{ExampleBody, ExampleRequest};
use crate::web::text::Snippet;

/// The environment variable with the secret key.
pub(super) const KEY_VARIABLE: &str = "KEYRACK_KEY";

impl ExampleRequest {
    /// The request to the server at `address` for curl, Python, and JavaScript.
    pub(super) fn snippets(&self, address: &str) -> Vec<Snippet> {
        let url = format!("{address}{}", self.path);
        [("curl", self.curl(&url)), ("Python", self.python(&url)), ("JavaScript", self.javascript(&url))]
            .map(|(label, code)| Snippet { label: label.to_owned(), code })
            .into()
    }

    /// The headers except for the key.
    fn all_headers(&self) -> Vec<(&str, &str)> {
        let kind = match &self.body {
            ExampleBody::None => None,
            ExampleBody::Json(_) => Some("application/json"),
            ExampleBody::Image(kind) => Some(kind.as_str()),
        };
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain(kind.map(|kind| ("Content-Type", kind))).collect()
    }

    fn curl(&self, url: &str) -> String {
        let has_body = !matches!(self.body, ExampleBody::None);
        let method = match self.method.as_str() {
            "GET" => "",
            "POST" if has_body => "",
            other => &format!("-X {other} "),
        };
        let url = if url.contains('?') { format!("\"{url}\"") } else { url.to_owned() };
        let mut code = format!("curl {method}{url}");
        let mut option = |text: &str| code.extend([" \\\n  ", text]);
        if self.takes_key {
            option(&format!("-H \"Authorization: Bearer ${KEY_VARIABLE}\""));
        }
        for (name, value) in self.all_headers() {
            option(&format!("-H \"{name}: {value}\""));
        }
        match &self.body {
            ExampleBody::None => {}
            ExampleBody::Json(body) => option(&format!("-d '{}'", body.to_string().replace('\'', "'\\''"))),
            ExampleBody::Image(_) => option("--data-binary @image.jpg"),
        }
        code
    }

    fn python(&self, url: &str) -> String {
        let mut headers = Vec::new();
        if self.takes_key {
            headers.push(format!("\"Authorization\": f\"Bearer {{os.environ['{KEY_VARIABLE}']}}\""));
        }
        let is_json = matches!(self.body, ExampleBody::Json(_));
        let own = self.all_headers().into_iter().filter(|(name, _)| !(is_json && *name == "Content-Type"));
        headers.extend(own.map(|(name, value)| format!("\"{name}\": \"{value}\"")));
        let mut code = "import os\n\nimport requests  # pip install requests\n\n".to_owned();
        let function = self.method.to_lowercase();
        // Writing to a string can't fail.
        let _ = writeln!(code, "response = requests.{function}(\n    \"{url}\",");
        if !headers.is_empty() {
            let _ = writeln!(code, "    headers={{{}}},", headers.join(", "));
        }
        match &self.body {
            ExampleBody::None => {}
            ExampleBody::Json(body) => {
                let _ = writeln!(code, "    json={},", python_literal(body));
            }
            ExampleBody::Image(_) => code.push_str("    data=open(\"image.jpg\", \"rb\"),\n"),
        }
        let shown = if self.returns_json { "json()" } else { "status_code" };
        let _ = write!(code, ")\nresponse.raise_for_status()\nprint(response.{shown})");
        code
    }

    fn javascript(&self, url: &str) -> String {
        let mut headers = Vec::new();
        if self.takes_key {
            headers.push(format!("\"Authorization\": `Bearer ${{process.env.{KEY_VARIABLE}}}`"));
        }
        headers.extend(self.all_headers().iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")));
        let mut code = String::new();
        if matches!(self.body, ExampleBody::Image(_)) {
            code.push_str("import { readFile } from \"node:fs/promises\";\n\n");
        }
        let _ = writeln!(code, "const response = await fetch(\"{url}\", {{");
        if self.method != "GET" {
            let _ = writeln!(code, "  method: \"{}\",", self.method);
        }
        if !headers.is_empty() {
            let _ = writeln!(code, "  headers: {{ {} }},", headers.join(", "));
        }
        match &self.body {
            ExampleBody::None => {}
            ExampleBody::Json(body) => {
                let _ = writeln!(code, "  body: JSON.stringify({body}),");
            }
            ExampleBody::Image(_) => code.push_str("  body: await readFile(\"image.jpg\"),\n"),
        }
        let shown = if self.returns_json { "await response.json()" } else { "response.status" };
        let _ = write!(code, "}});\nconsole.log({shown});");
        code
    }
}

/// A JSON value in the syntax of Python.
fn python_literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(python_literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("\"{name}\": {}", python_literal(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn example_request_is_written_in_each_language() {
        let request = ExampleRequest {
            method: "PATCH".to_owned(),
            path: "/api/v1/keys/key_1?a=b".to_owned(),
            takes_key: true,
            headers: vec![("If-Match".to_owned(), "*".to_owned())],
            body: ExampleBody::Json(json!({ "name": "it's", "note": null, "on": true })),
            returns_json: false,
        };
        let [curl, python, javascript] = &request.snippets("http://a")[..] else { panic!() };
        assert_eq!(
            curl.code,
            "curl -X PATCH \"http://a/api/v1/keys/key_1?a=b\" \\\n  -H \"Authorization: Bearer $KEYRACK_KEY\" \\\n  \
             -H \"If-Match: *\" \\\n  -H \"Content-Type: application/json\" \\\n  \
             -d '{\"name\":\"it'\\''s\",\"note\":null,\"on\":true}'"
        );
        assert!(python.code.contains("requests.patch(\n    \"http://a/api/v1/keys/key_1?a=b\",\n"));
        assert!(python.code.contains("json={\"name\": \"it's\", \"note\": None, \"on\": True},\n"));
        assert!(python.code.ends_with("print(response.status_code)"));
        assert!(javascript.code.contains("method: \"PATCH\""));
        assert!(
            javascript.code.contains("body: JSON.stringify({\"name\":\"it's\",\"note\":null,\"on\":true}),")
        );
    }
}
