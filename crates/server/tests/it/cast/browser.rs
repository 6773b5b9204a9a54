//! A browser that somebody has signed in with.

use reqwest::{Method, RequestBuilder};

use crate::harness::{Answer, PASSWORD, Server, send};

/// What a browser keeps of a sign-in.
pub(crate) struct Browser {
    /// As the header `Cookie` carries it.
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) async fn signed_in(server: &Server, email: &str) -> Self {
        let answer = sign_in(server, email, PASSWORD, "127.0.0.1").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with("keyrack_session="), "{answer:?}");
        Self { cookie }
    }

    /// A request as our own pages send it.
    pub(crate) fn request(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        let request = server.request(method, path).header("cookie", &self.cookie);
        request.header("sec-fetch-site", "same-origin")
    }
}

/// Sends the sign-in form, from an address that a trusted proxy tells of.
pub(crate) async fn sign_in(server: &Server, email: &str, password: &str, address: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("email", email)
        .append_pair("password", password)
        .finish();
    let request = server.request(Method::POST, "/sign-in").header("origin", &server.url);
    let request = request.header("x-forwarded-for", address);
    send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
}
