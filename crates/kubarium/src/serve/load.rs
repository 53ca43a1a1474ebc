//! A client that asks one thing after the other, for the benchmark.

use super::{NodePorts, Settings, run};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

/// What is asked for.
const PATH: &str = "/api/v1/nodes/node-1";

/// A connection to a server of preset `bare`.
pub struct Load {
    connection: Option<BufReader<TcpStream>>,
}

impl Load {
    /// Starts a server, which goes on as long as the program, and connects to it.
    pub fn start() -> Load {
        let (tell, told) = mpsc::channel();
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let preset = "bare".to_string();
        let settings = Settings { listen, preset, seed: 1, speed: 1.0, node_ports: NodePorts::Closed };
        // Nobody listens any more once it is known where the server is.
        std::thread::spawn(move || run(&settings, &mut |line| drop(tell.send(line.to_string()))));
        let address = told.recv().ok().and_then(|line| line.rsplit_once("://").map(|(_, at)| at.to_string()));
        let connection = address.and_then(|address| TcpStream::connect(address).ok());
        Load { connection: connection.map(BufReader::new) }
    }

    /// Asks so many times, waiting for each answer. Returns how many answers were good.
    pub fn get(mut self, times: u64) -> u64 {
        (0..times).map_while(|_| self.get_one()).count() as u64
    }

    fn get_one(&mut self) -> Option<()> {
        let connection = self.connection.as_mut()?;
        let request = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut line, mut length, mut is_good) = (String::new(), 0, false);
        loop {
            line.clear();
            connection.read_line(&mut line).ok().filter(|length| *length > 0)?;
            is_good |= line.starts_with("HTTP/1.1 200 ");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        is_good.then_some(())
    }
}
