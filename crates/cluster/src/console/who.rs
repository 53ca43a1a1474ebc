//! `who`: who would answer, rule by rule, were something sent from somewhere.

use super::ground::Ground;
use super::way::Teller;
use network::{HostId, Protocol, Question, WouldAnswer};
use shell::{MachineAnswer, Place};

const USAGE: &str =
    "usage: who [tcp|udp|icmp] ADDRESS[:PORT]|SERVICE[:PORT] [from NODE|POD|NAMESPACE/POD|client]
# kubarium: tells, without sending anything, who would answer, how likely, and by which rules
";
/// How many ways are told.
const WAYS: usize = 128;

impl Ground<'_> {
    /// `who [PROTOCOL] ADDRESS[:PORT] [from PLACE]`: tells where a packet might end.
    pub(super) fn who(&self, place: &Place, words: &[&str]) -> MachineAnswer {
        let (protocol, words) = match words {
            [word, rest @ ..] => match Protocol::parse(&word.to_uppercase()) {
                Some(protocol) => (protocol, rest),
                None => (Protocol::Tcp, words),
            },
            [] => return MachineAnswer::failed(2, USAGE),
        };
        let (to, from) = match words {
            [to] if !to.starts_with('-') => (*to, self.host_of(place)),
            [to, "from", name] => (*to, self.named(name)),
            _ => return MachineAnswer::failed(2, USAGE),
        };
        let Some(from) = from else {
            return MachineAnswer::failed(1, "who: nobody of that name is on the network\n");
        };
        match self.question(from, to, protocol) {
            Err(why) => MachineAnswer::failed(1, format!("who: {why}\n")),
            Ok(question) => {
                let found = self.wires.network.who_would_answer(self.world.now, question);
                MachineAnswer::ok(self.told_ways(question, &found))
            }
        }
    }

    fn question(&self, from: HostId, to: &str, protocol: Protocol) -> Result<Question, String> {
        let (name, port) = match to.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().map_err(|_| format!("{port:?} is no port"))?),
            None if protocol == Protocol::Icmp => (to, 0),
            None => (to, 80),
        };
        let address = name.parse().ok().or_else(|| self.view.service_address(name));
        let to =
            address.ok_or_else(|| format!("{name:?} is neither an address nor a Service that has one"))?;
        if port == 0 && protocol != Protocol::Icmp {
            return Err("0 is no port".to_string());
        }
        Ok(Question { from, to, port, protocol })
    }

    /// Tells the steps that all ways have in common, then of each who answers, and its own steps.
    fn told_ways(&self, question: Question, found: &[WouldAnswer]) -> String {
        let topology = self.wires.network.topology();
        let Question { from, to, port, protocol } = question;
        let port = if protocol == Protocol::Icmp { String::new() } else { format!(":{port}") };
        let mut out = format!("{} {} → {to}{port}\n", protocol.name(), topology.name(from));
        let told: Vec<Vec<String>> = found.iter().take(WAYS).map(|one| self.lines_of(one)).collect();
        let common = told.iter().skip(1).fold(told.first().map_or(0, Vec::len), |least, lines| {
            least.min(told[0].iter().zip(lines).take_while(|(a, b)| a == b).count())
        });
        // A single way is told whole below its outcome.
        let common = if told.len() == 1 { 0 } else { common };
        let write = |out: &mut String, lines: &[String]| {
            lines.iter().for_each(|line| {
                out.push_str(line);
                out.push('\n');
            })
        };
        write(&mut out, told.first().map_or(&[], |lines| &lines[..common]));
        for (one, lines) in found.iter().zip(&told) {
            out.push_str(&format!("{:.1} %  {}\n", one.share * 100.0, self.end_of(one)));
            write(&mut out, &lines[common..]);
        }
        if found.len() > WAYS {
            out.push_str(&format!("# kubarium: and {} more\n", found.len() - WAYS));
        }
        out
    }

    /// Returns how a way would end, and where.
    fn end_of(&self, one: &WouldAnswer) -> String {
        let topology = self.wires.network.topology();
        match one.way.server {
            Some(server) => {
                let seen =
                    one.way.seen().map_or(String::new(), |peer| format!(", which sees {}", peer.address));
                format!("{} by {}{}{seen}", one.outcome, topology.name(server), self.kind_of(Some(server)))
            }
            None => one.outcome.to_string(),
        }
    }

    fn lines_of(&self, one: &WouldAnswer) -> Vec<String> {
        let topology = self.wires.network.topology();
        let mut teller = Teller::of_a_question();
        for step in one.way.steps(topology).iter().take_while(|step| !step.is_answer) {
            teller.tell(step, |name| self.kind_of(topology.by_name(name)));
        }
        teller.out.lines().map(str::to_string).collect()
    }
}
