use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;

const BYTES: &[u8; 10] = b"no picture";

/// Answers with ten bytes, once.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 2_000]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").unwrap();
        stream.write_all(BYTES).unwrap();
    });
    url
}

/// Clients come again when they are told that there was no room, and not when they are told that there is no picture.
#[tokio::test]
async fn who_finds_no_room_is_told_so_and_on_the_beat() {
    let door = Door::new(BYTES.len(), &["localhost".to_owned()]);
    let room = Room::for_pictures_of(BYTES.len());
    let mut others = room.gather(1_000, None);
    others.push(&[0; 71]).unwrap();
    let started = Instant::now();
    assert_eq!(door.fetch(&server(), &room, None).await.unwrap_err(), DoorError::Busy);
    assert!(started.elapsed() >= BEAT, "{:?}", started.elapsed());
    drop(others);
    assert_eq!(door.fetch(&server(), &room, None).await.unwrap().bytes, &BYTES[..]);
    let small = Door::new(BYTES.len() - 1, &["localhost".to_owned()]);
    assert_eq!(small.fetch(&server(), &room, None).await.unwrap_err(), DoorError::Unreachable);
    for (most, passes) in [(BYTES.len(), true), (BYTES.len() - 1, false)] {
        assert_eq!(
            door.fetch(&server(), &room, Some(most)).await.is_ok(),
            passes,
            "a key's own limit of {most}"
        );
    }
}
