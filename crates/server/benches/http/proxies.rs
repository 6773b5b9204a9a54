//! What asking us costs a proxy: `forward-auth` beside nginx that answers from a static map of the same keys, and nginx that
//! asks us beside nginx alone. Each server has one thread.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::{Ready, ready};
use std::net::{SocketAddr, TcpListener};
use std::task::{Context, Poll};

use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use keyrack::http::listen::{self, Connections};
use tower::{Service, service_fn};

use crate::desk::Desk;
use crate::nginx::{self, Nginx};
use crate::pairs::{Asked, compare};

const KEYS: usize = 1_000;

pub(crate) fn run() {
    let Some(program) = nginx::program() else { return };
    let desk = Desk::open(KEYS);
    let [map, alone, asking] = std::array::from_fn(|_| nginx::free_address());
    let _nginx = Nginx::start(program, &configuration(&desk, map, alone, asking), asking);
    let secret = &desk.secrets[KEYS / 2];
    let ask = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {secret}\r\nx-keyrack-for-workspace: bench\r\n\
             x-keyrack-permission: models:predict\r\n\r\n"
        )
    };
    let map = Asked { name: "nginx, static map", address: map, request: ask("/"), status: "HTTP/1.1 204" };
    let ours = Asked {
        name: "forward-auth",
        address: desk.address,
        request: ask("/api/v1/forward-auth"),
        status: "HTTP/1.1 204",
    };
    compare(&format!("forward-auth over nginx with a static map, {KEYS} keys"), &map, &ours);
    let bare = Asked { name: "yes to everything", address: bare(&desk), ..ours };
    compare("our HTTP library, which says yes to everything, over the same", &map, &bare);
    let alone = Asked { name: "nginx", address: alone, request: ask("/"), status: "HTTP/1.1 200" };
    let asking =
        Asked { name: "nginx that asks us", address: asking, request: ask("/"), status: "HTTP/1.1 200" };
    compare("nginx with auth_request to us over nginx alone", &alone, &asking);
}

/// The HTTP library on the thread of our server, with nothing behind it: no server on it answers faster.
fn bare(desk: &Desk) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let for_each = service_fn(move |_: SocketAddr| ready(Ok::<_, Infallible>(Yes)));
    desk.runtime.spawn(async move {
        listen::plain(listener, &Connections::without_limits(), None).unwrap().serve(for_each).await
    });
    address
}

/// Says yes to everything.
#[derive(Clone, Copy)]
struct Yes;

impl<B> Service<Request<B>> for Yes {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(StatusCode::NO_CONTENT.into_response()))
    }
}

fn configuration(desk: &Desk, map: SocketAddr, alone: SocketAddr, asking: SocketAddr) -> String {
    let mut keys = String::new();
    for secret in &desk.secrets {
        // Writing into a string does not fail.
        let _ = writeln!(keys, "{secret} 1;");
    }
    let ours = desk.address;
    format!(
        "events {{ worker_connections 1024; }}
        http {{
            access_log off;
            client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
            keepalive_requests 100000000;
            map_hash_max_size 16384; map_hash_bucket_size 128;
            map $http_x_api_key $known {{ default 0; {keys} }}
            upstream keyrack {{ server {ours}; keepalive 64; keepalive_requests 100000000; }}
            server {{ listen {map}; location / {{ if ($known = 0) {{ return 401; }} return 204; }} }}
            server {{ listen {alone}; location / {{ try_files /nothing @cat; }} location @cat {{ return 200 'a cat'; }} }}
            server {{
                listen {asking};
                location / {{ auth_request /ask; try_files /nothing @cat; }}
                location @cat {{ return 200 'a cat'; }}
                location = /ask {{
                    internal;
                    proxy_pass http://keyrack/api/v1/forward-auth;
                    proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass_request_body off;
                    proxy_set_header Host $host; proxy_set_header X-Original-URI $request_uri;
                    proxy_set_header X-Keyrack-Proxy nginx; proxy_set_header Content-Length '';
                }}
            }}
        }}"
    )
}
