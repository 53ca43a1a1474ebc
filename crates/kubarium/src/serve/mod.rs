//! `kubarium serve`: the API of a fresh cluster over HTTP, for clients that are not ours.
//!
//! The simulation has a thread of its own; everybody else speaks to it through a channel, and a request is
//! answered at the virtual moment at which it comes. Virtual time follows the clock on the wall.
//!
//! Who listens on this machine alone needs no certificate: what comes without a token is the administrator's,
//! as with `kubectl proxy`. Other addresses are refused. Left out: TLS, tokens of service accounts, SPDY (exec
//! and attach go over WebSocket, as kubectl does since v1.31), port-forward, answers in protobuf, compression.

mod body;
mod exec;
mod http;
mod kubeconfig;
mod protobuf;
#[allow(clippy::disallowed_methods, clippy::disallowed_types)] // the clock on the wall drives what is served
mod simulation;

use simulation::Simulation;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;

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
}

/// The fastest a cluster may run.
const MAX_SPEED: f64 = 1_000.0;

/// Serves until it is interrupted, and says where.
///
/// # Errors
/// A preset that isn't there, an address that can't be listened on or isn't this machine's alone, a speed that
/// is none.
pub fn run(settings: &Settings, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    if !settings.listen.ip().is_loopback() {
        return Err(format!("{}: only addresses of this machine alone are served", settings.listen));
    }
    if !(settings.speed > 0.0 && settings.speed <= MAX_SPEED) {
        return Err(format!("{}: the speed is above 0 and at most {MAX_SPEED}", settings.speed));
    }
    let preset = cluster::Preset::named(&settings.preset)?;
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
        let (seed, speed) = (settings.seed, settings.speed);
        std::thread::spawn(move || Simulation::new(&preset, seed, speed).run(&inbox));
        let token = kubeconfig::token();
        let path = kubeconfig::write(address, &token)?;
        say(&format!("serving preset {} (seed {seed}, speed {speed}) at http://{address}", settings.preset));
        if settings.speed != 1.0 {
            say("ages and expiries that clients compute themselves are off: their clock runs at another speed");
        }
        say(&format!("its clients are told where it is by {path}"));
        let door = Arc::new(http::Door { orders, token });
        tokio::select! {
            () = http::accept(listener, door) => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}
