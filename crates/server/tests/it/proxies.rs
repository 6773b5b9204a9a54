//! The supported proxies with the configurations of `examples/proxies`. Only ports and paths are replaced.

/// Creates five tests of each behavior, one with each proxy.
macro_rules! with_each_proxy {
    ($($behavior:ident),+ $(,)?) => {$(
        mod $behavior {
            use crate::proxies::deployment::Deployment;
            use crate::proxies::program::Program;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn nginx() {
                super::$behavior(Deployment::of(Program::Nginx).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn caddy() {
                super::$behavior(Deployment::of(Program::Caddy).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn haproxy() {
                super::$behavior(Deployment::of(Program::HaProxy).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn traefik() {
                super::$behavior(Deployment::of(Program::Traefik).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn envoy() {
                super::$behavior(Deployment::of(Program::Envoy).await).await;
            }
        }
    )+};
}

mod denials;
pub(crate) mod deployment;
mod echo;
mod forward_auth;
mod identity;
mod outages;
mod preflights;
pub(crate) mod program;
mod queries;
mod upgrades;
