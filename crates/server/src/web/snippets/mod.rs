//! Code examples for requests to the API, in several languages. They contain a secret or a placeholder for one.

pub(super) mod prediction;

use super::text::Snippet;

/// A request with an optional JSON body.
pub(super) struct JsonRequest<'a> {
    pub(super) url: String,
    pub(super) secret: &'a str,
    /// The JSON body. The request is a GET request without it.
    pub(super) body: Option<String>,
    /// What the request does, such as "checks whether this key can predict".
    pub(super) comment: Option<String>,
}

impl JsonRequest<'_> {
    /// Examples for curl, Python, and JavaScript.
    pub(super) fn snippets(&self) -> Vec<Snippet> {
        labeled([self.curl(), self.python(), self.javascript()])
    }

    fn curl(&self) -> String {
        let Self { url, secret, .. } = self;
        let comment = self.comment("#");
        let body = self.body.as_deref().map_or_else(String::new, |body| {
            format!(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'")
        });
        format!("{comment}curl {url} \\\n  -H \"Authorization: Bearer {secret}\"{body}")
    }

    fn python(&self) -> String {
        let Self { url, secret, .. } = self;
        let comment = self.comment("#");
        let (method, body) = match &self.body {
            Some(body) => ("post", format!("    json={body},\n")),
            None => ("get", String::new()),
        };
        format!(
            "import requests  # pip install requests\n\n{comment}response = requests.{method}(\n    \"{url}\",\n    \
             headers={{\"Authorization\": \"Bearer {secret}\"}},\n{body})\nprint(response.json())"
        )
    }

    fn javascript(&self) -> String {
        let Self { url, secret, .. } = self;
        let comment = self.comment("//");
        let (method, content_type, body) = match &self.body {
            Some(body) => (
                "  method: \"POST\",\n",
                ", \"Content-Type\": \"application/json\"",
                format!("  body: JSON.stringify({body}),\n"),
            ),
            None => ("", "", String::new()),
        };
        format!(
            "{comment}const response = await fetch(\"{url}\", {{\n{method}  \
             headers: {{ \"Authorization\": \"Bearer {secret}\"{content_type} }},\n{body}}});\n\
             console.log(await response.json());"
        )
    }

    fn comment(&self, mark: &str) -> String {
        self.comment.as_deref().map_or_else(String::new, |comment| format!("{mark} {comment}\n"))
    }
}

fn labeled(code: [String; 3]) -> Vec<Snippet> {
    ["curl", "Python", "JavaScript"]
        .into_iter()
        .zip(code)
        .map(|(label, code)| Snippet { label: label.to_owned(), code })
        .collect()
}
