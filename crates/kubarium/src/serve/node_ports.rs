//! The cluster's node ports, opened on this machine.

use super::http::Door;
use super::tunnel;
use cluster::Goal;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// How many connections to node ports there may be at once.
const MAX_CONNECTIONS: usize = 500;

/// Opens and closes ports as Services come and go, and says which. A port that this machine uses already is
/// opened under another number.
pub(super) async fn follow(
    ip: IpAddr,
    mut ports: watch::Receiver<BTreeSet<u16>>,
    door: Arc<Door>,
    say: &mut dyn FnMut(&str),
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open: BTreeMap<u16, JoinHandle<()>> = BTreeMap::new();
    while ports.changed().await.is_ok() {
        let wanted = ports.borrow_and_update().clone();
        open.retain(|port, task| {
            let stays = wanted.contains(port);
            if !stays {
                task.abort();
                say(&format!("node port {port} is closed"));
            }
            stays
        });
        for port in wanted {
            if open.contains_key(&port) {
                continue;
            }
            let listener = match TcpListener::bind(SocketAddr::new(ip, port)).await {
                Ok(listener) => Ok(listener),
                Err(_) => TcpListener::bind(SocketAddr::new(ip, 0)).await,
            };
            match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((address, listener)) => {
                    say(&format!("node port {port} is open at {address}"));
                    let task = tokio::spawn(accept(listener, port, door.clone(), places.clone()));
                    open.insert(port, task);
                }
                Err(error) => say(&format!("node port {port} can't be opened here: {error}")),
            }
        }
    }
}

async fn accept(listener: TcpListener, port: u16, door: Arc<Door>, places: Arc<Semaphore>) {
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((connection, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let door = door.clone();
        tokio::spawn(async move {
            tunnel::carry(connection, Goal::NodePort(port), door).await;
            drop(place);
        });
    }
}
