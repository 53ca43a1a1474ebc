//! The native program: `kubarium run` plays a script, `kubarium serve` serves the API over HTTP,
//! `kubarium bench` measures.

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Kubernetes cluster, simulated.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays a script in virtual time and prints the transcript.
    Run {
        /// What the cluster begins with where the script doesn't say.
        #[arg(long, default_value = "bare", value_parser = presets())]
        preset: String,
        /// The seed: the same seed and script print the same.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The script; `-` reads standard input.
        file: String,
    },
    /// Serves the API of a fresh cluster over HTTP, in real time, for kubectl and any other client.
    Serve {
        /// Where to listen; port 0 picks a free one. Another address than this machine's own is served over
        /// HTTPS alone.
        #[arg(long, default_value = "127.0.0.1:8001")]
        listen: std::net::SocketAddr,
        /// What the cluster begins with.
        #[arg(long, default_value = "lesson", value_parser = presets())]
        preset: String,
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many times faster than the clock on the wall the cluster's runs.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
        /// Opens the cluster's NodePorts on this machine, so that what runs in it can be reached.
        #[arg(long)]
        node_ports: bool,
    },
    /// Plays random scenarios, and tells of each that leads to what no real cluster could come to.
    Random {
        /// The seeds, `A..B`, the last not included.
        #[arg(long, value_parser = seeds)]
        seeds: Option<std::ops::Range<u64>>,
        /// How many scenarios are played where no seeds are given, from seed 1 on.
        #[arg(long, default_value_t = 200)]
        count: u64,
        /// How many actions each has.
        #[arg(long, default_value_t = 50)]
        steps: u64,
        /// What the clusters begin with; several take turns where none is named.
        #[arg(long, value_parser = presets())]
        preset: Option<String>,
    },
    /// Measures, and prints one JSON line a case.
    Bench {
        /// The only cases to run are those whose name begins so.
        #[arg(default_value = "")]
        name: String,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { preset, seed, file } => run(&preset, seed, &file),
        Command::Serve { listen, preset, seed, speed, node_ports } => {
            use kubarium::serve::NodePorts;
            let node_ports = if node_ports { NodePorts::Open } else { NodePorts::Closed };
            let settings = kubarium::serve::Settings { listen, preset, seed, speed, node_ports };
            kubarium::serve::run(&settings, &mut |line| println!("{line}"))
        }
        Command::Random { seeds, count, steps, preset } => {
            random(&kubarium::random::Settings { seeds: seeds.unwrap_or(1..count + 1), steps, preset })
        }
        Command::Bench { name } => kubarium::bench::run(&name, &mut |line| println!("{line}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kubarium: {error}");
            ExitCode::FAILURE
        }
    }
}

fn presets() -> PossibleValuesParser {
    PossibleValuesParser::new(cluster::Preset::names())
}

/// Reads `A..B`.
fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.filter(|range| !range.is_empty()).ok_or_else(|| "seeds are A..B, with A below B".to_string())
}

fn random(settings: &kubarium::random::Settings) -> Result<(), String> {
    let summary = kubarium::random::run(settings, &mut |text| println!("{text}"))?;
    let kubarium::random::Summary { played, broken, events } = summary;
    println!("{played} scenarios of {} steps, {events} events, {broken} broken", settings.steps);
    if broken == 0 { Ok(()) } else { Err(format!("{broken} scenarios broke an invariant")) }
}

fn run(preset: &str, seed: u64, file: &str) -> Result<(), String> {
    let script =
        if file == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let script = script.map_err(|error| format!("{file}: {error}"))?;
    let mut out = std::io::stdout().lock();
    let mut broken = false;
    let mut write = |text: &str| broken |= out.write_all(text.as_bytes()).is_err();
    kubarium::run_to(&script, preset, seed, &mut write).map_err(|error| format!("{file}: {error}"))?;
    if broken { Err("standard output was closed".to_string()) } else { Ok(()) }
}
