//! How long a deletion takes to reach a service elsewhere: from when it is asked for until the service refuses the key, and
//! until the deletion is answered.

use std::sync::mpsc;
use std::time::Instant;

use http::Request;
use keyrack_guard::NodeBuilder;
use keyrack_key::Scope;

use crate::desk::Desk;
use crate::quantile;

const DELETIONS: usize = 1_000;

pub(crate) fn run() {
    let desk = Desk::open(0);
    let (_, credential) = desk.key(Scope::Node);
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = NodeBuilder::new(format!("http://{}", desk.address), credential).start();
    let node = elsewhere.block_on(node).unwrap();
    let (mut refused, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..DELETIONS {
        let (id, secret) = desk.key(Scope::Inference);
        let request = Request::get("/").header("x-api-key", &secret).body(()).unwrap().into_parts().0;
        assert!(node.guard().check(&request, None).is_ok());
        let (tell, told) = mpsc::channel();
        let guard = node.guard().clone();
        let started = Instant::now();
        let watch = std::thread::spawn(move || {
            while guard.check(&request, None).is_ok() {
                std::thread::yield_now();
            }
            // Whoever waits for it is still there.
            let _ = tell.send(started.elapsed());
        });
        desk.runtime.block_on(desk.opened.app.keys.delete(&desk.acting, id, "")).unwrap();
        answered.push(started.elapsed().as_secs_f64() * 1e3);
        refused.push(told.recv().unwrap().as_secs_f64() * 1e3);
        watch.join().unwrap();
    }
    println!(
        "a deletion and a service that follows, {DELETIONS} deletions, from when it is asked for, in ms\n"
    );
    println!("| | median | p99 | most |\n| --- | ---: | ---: | ---: |");
    for (what, times) in
        [("the service refuses the key", &mut refused), ("the deletion is answered", &mut answered)]
    {
        times.sort_by(f64::total_cmp);
        println!(
            "| {what} | {:.2} | {:.2} | {:.2} |",
            quantile(times, 0.5),
            quantile(times, 0.99),
            quantile(times, 1.0)
        );
    }
    println!();
}
