//! `etcdctl` on a control plane: who the members are, who leads them, whether they serve.
// Models https://etcd.io/docs/v3.6/op-guide/maintenance/ and etcdctl/ctlv3/command/printer_simple.go

use super::ground::Ground;
use crate::control_plane::{Member, Unit};
use crate::world::World;
use shell::MachineAnswer;

const VERSION: &str = "3.6.8";
const DEADLINE: &str = "Error: context deadline exceeded\n";
/// What an object takes in the store, more or less, in bytes.
const OBJECT: u64 = 1_500;
const HEAD: [&str; 14] = [
    "ENDPOINT",
    "ID",
    "VERSION",
    "STORAGE VERSION",
    "DB SIZE",
    "IN USE",
    "PERCENTAGE NOT IN USE",
    "QUOTA",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "RAFT APPLIED INDEX",
    "ERRORS",
];

/// A member as etcdctl tells of it.
struct Row {
    id: String,
    name: String,
    address: String,
    runs: bool,
    leads: bool,
}

impl Ground<'_> {
    /// `etcdctl member list`, `endpoint status` and `endpoint health`, with `--cluster` and `-w table`.
    pub(super) fn etcdctl(&mut self, node: &str, words: &[&str]) -> Option<MachineAnswer> {
        let is_member = |member: &Member| member.machine.as_deref() == Some(node);
        if !self.parts.plane.members.iter().any(is_member) {
            return None;
        }
        let mut wanted: Vec<&str> = Vec::new();
        let (mut all, mut table) = (false, false);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--cluster" => all = true,
                "-w" | "--write-out" => table = rest.next() == Some(&"table"),
                "-wtable" | "-w=table" | "--write-out=table" => table = true,
                "--endpoints" | "--cacert" | "--cert" | "--key" => drop(rest.next()),
                word if word.starts_with('-') => {}
                word => wanted.push(word),
            }
        }
        let rows = self.etcd_members();
        if !self.parts.runs_on(node, Unit::Etcd) {
            return Some(MachineAnswer::failed(1, DEADLINE));
        }
        let asked: Vec<&Row> = rows.iter().filter(|row| all || row.name == node).collect();
        Some(match wanted.as_slice() {
            ["member", "list"] if rows.iter().any(|row| row.leads) => {
                MachineAnswer::ok(members(&rows, table))
            }
            ["member", "list"] => MachineAnswer::failed(1, DEADLINE),
            ["endpoint", "status"] => {
                let out = self.etcd_status(&rows, &asked, table);
                let silent = asked.iter().filter(|row| !row.runs);
                let err: String = silent
                    .map(|row| {
                        let address = &row.address;
                        format!("Failed to get the status of endpoint https://{address}:2379 (context deadline exceeded)\n")
                    })
                    .collect();
                MachineAnswer { out, code: i32::from(!err.is_empty()), err }
            }
            ["endpoint", "health"] => health(self.world, &rows, &asked),
            _ => {
                let text =
                    "# kubarium: of etcdctl there are member list, endpoint status and endpoint health\n";
                MachineAnswer::failed(1, text)
            }
        })
    }

    fn etcd_members(&self) -> Vec<Row> {
        let plane = &self.parts.plane;
        let row = |(i, member): (usize, &Member)| {
            let name = member.machine.as_deref().unwrap_or("");
            let host = self.wires.nodes.get(name).copied();
            let host = host.and_then(|host| self.wires.network.topology().host(host));
            Row {
                id: format!("{:x}", self.world.chance.draw("etcd-member", name, 0)),
                name: name.to_string(),
                address: host.map_or(String::new(), |host| host.address.to_string()),
                runs: self.parts.runs_on(name, Unit::Etcd),
                leads: plane.leadership.etcd == Some(i),
            }
        };
        plane.members.iter().enumerate().map(row).collect()
    }

    fn etcd_status(&self, rows: &[Row], asked: &[&Row], table: bool) -> String {
        let size = bytes(20_480 + OBJECT * self.world.apiserver.object_count() as u64);
        let (term, index) = (self.parts.plane.leadership.term + 1, self.world.apiserver.revision());
        let errors = if rows.iter().any(|row| row.leads) { "" } else { "etcdserver: no leader" };
        let cells = asked.iter().filter(|row| row.runs).map(|row| {
            let (endpoint, leads) = (format!("https://{}:2379", row.address), row.leads.to_string());
            let (term, index) = (term.to_string(), index.to_string());
            let of = [&*endpoint, &row.id, VERSION, "3.6.0", &size, &size, "0%", "2.1 GB", &leads, "false"];
            let further = [&*term, &index, &index, errors];
            of.into_iter().chain(further).map(str::to_string).collect()
        });
        let cells: Vec<Vec<String>> = cells.collect();
        if table { drawn(&HEAD, &cells) } else { simple(&cells) }
    }
}

fn members(rows: &[Row], table: bool) -> String {
    let cells = rows.iter().map(|row| {
        let url = |port: u16| format!("https://{}:{port}", row.address);
        vec![row.id.clone(), "started".into(), row.name.clone(), url(2_380), url(2_379), "false".into()]
    });
    let cells: Vec<Vec<String>> = cells.collect();
    let head = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"];
    if table { drawn(&head, &cells) } else { simple(&cells) }
}

fn health(world: &World, rows: &[Row], asked: &[&Row]) -> MachineAnswer {
    let serves = rows.iter().any(|row| row.leads);
    let mut answer = MachineAnswer::default();
    for row in asked {
        let endpoint = format!("https://{}:2379", row.address);
        if serves && row.runs {
            let n = world.now.0.unsigned_abs();
            let took = world.timing.api_write.draw(world.chance, "etcdctl", &endpoint, n);
            let took = api::go::duration(took);
            let text = format!("{endpoint} is healthy: successfully committed proposal: took = {took}\n");
            answer.out.push_str(&text);
        } else {
            let text =
                format!("{endpoint} is unhealthy: failed to commit proposal: context deadline exceeded\n");
            answer.err.push_str(&text);
            answer.code = 1;
        }
    }
    if answer.code != 0 {
        answer.err.push_str("Error: unhealthy cluster\n");
    }
    answer
}

fn simple(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| format!("{}\n", row.join(", "))).collect()
}

/// Draws a table with lines around its cells.
fn drawn(head: &[&str], rows: &[Vec<String>]) -> String {
    let width =
        |i: usize| rows.iter().filter_map(|row| row.get(i)).map(String::len).chain([head[i].len()]).max();
    let widths: Vec<usize> = (0..head.len()).map(|i| width(i).unwrap_or(0)).collect();
    let rule: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
    let centred = |text: &str, width: usize| {
        let left = (width - text.len()) / 2;
        format!("| {}{text}{} ", " ".repeat(left), " ".repeat(width - text.len() - left))
    };
    let heads: String = head.iter().zip(&widths).map(|(text, width)| centred(text, *width)).collect();
    let mut out = format!("{rule}+\n{heads}|\n{rule}+\n");
    for row in rows {
        let cell = |(text, width): (&String, &usize)| format!("| {text:>width$} ");
        let cells: String = row.iter().zip(&widths).map(cell).collect();
        out.push_str(&format!("{cells}|\n"));
    }
    out + &format!("{rule}+\n")
}

/// Writes a number of bytes in steps of a thousand.
fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}
