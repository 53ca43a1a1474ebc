//! `kubarium serve`: the API of a fresh cluster over HTTP, for clients that are not ours.
//!
//! The simulation has a thread of its own; everybody else speaks to it through a channel, and a request is
//! answered at the virtual moment at which it comes. Virtual time follows the clock on the wall.
//!
//! HTTPS and plain HTTP share a port: the first byte tells them apart. Over HTTPS people are whom their
//! certificate or token says, as at a real API server, and `system:anonymous` without either. Plain HTTP is
//! there only where this machine alone is listened to, and what comes without a token is the administrator's,
//! as with `kubectl proxy`; on other addresses nobody gets in without a certificate or token.
//!
//! Left out: HTTP/2, SPDY (exec and attach go over WebSocket, as kubectl does since v1.31), answers in
//! protobuf, compression.

mod body;
mod forward;
mod http;
mod identity;
mod kubeconfig;
mod load;
mod negotiation;
mod node_ports;
mod protobuf;
#[allow(clippy::disallowed_methods, clippy::disallowed_types)] // the clock on the wall drives what is served
mod simulation;
mod tls;
mod tunnel;
mod upgrade;

pub use load::Load;
use simulation::Simulation;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use tls::Authority;

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// What the cluster begins with.
    pub preset: String,
    /// The seed.
    pub seed: u64,
    /// How many times faster than the clock on the wall the cluster's runs.
    pub speed: f64,
    /// Whether the cluster's node ports are opened on this machine.
    pub node_ports: NodePorts,
}

/// Whether the cluster's node ports are opened on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodePorts {
    /// They are.
    Open,
    /// They stay inside.
    Closed,
}

/// The fastest a cluster may run.
const MAX_SPEED: f64 = 1_000.0;

/// Serves until it is interrupted, and says where.
///
/// # Errors
/// A preset that isn't there, an address that can't be listened on, a speed that is none.
pub fn run(settings: &Settings, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    if !(settings.speed > 0.0 && settings.speed <= MAX_SPEED) {
        return Err(format!("{}: the speed is above 0 and at most {MAX_SPEED}", settings.speed));
    }
    let preset = cluster::Preset::named(&settings.preset)?;
    let (authority, token) = (Authority::new()?, kubeconfig::token()?);
    let (acceptor, key) = (authority.acceptor(settings.listen.ip())?, kubeconfig::secret()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(settings.listen)
            .await
            .map_err(|error| format!("{}: {error}", settings.listen))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (orders, inbox) = mpsc::channel();
        let (ports, seen_ports) = tokio::sync::watch::channel(BTreeSet::new());
        let (seed, speed) = (settings.seed, settings.speed);
        std::thread::spawn(move || Simulation::new(&preset, seed, speed, &key, ports).run(&inbox));
        let path = kubeconfig::write(address, &authority, &token)?;
        let scheme = if address.ip().is_loopback() { "http" } else { "https" };
        say(&format!("serving preset {} (seed {seed}, speed {speed}) at {scheme}://{address}", settings.preset));
        if settings.speed != 1.0 {
            say("ages and expiries that clients compute themselves are off: their clock runs at another speed");
        }
        say(&format!("its clients are told where it is by {path}"));
        let door = Arc::new(http::Door { orders, token });
        tokio::select! {
            () = open_node_ports(settings, seen_ports, door.clone(), say) => Ok(()),
            () = http::accept(listener, door, Arc::new(acceptor)) => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

/// Opens node ports for ever, where that is wanted.
async fn open_node_ports(
    settings: &Settings,
    ports: tokio::sync::watch::Receiver<BTreeSet<u16>>,
    door: Arc<http::Door>,
    say: &mut dyn FnMut(&str),
) {
    match settings.node_ports {
        NodePorts::Open => node_ports::follow(settings.listen.ip(), ports, door, say).await,
        NodePorts::Closed => std::future::pending().await,
    }
}
