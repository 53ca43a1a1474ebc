//! Random policies: the rules and the plain reading of the documentation permit the same.

use super::model::{End, permits};
use super::{PORTS, PROTOCOLS, World, ip, key, pod};
use api::{Value, tree};
use network::Protocol;
use sim::Chance;

const SETS: u64 = 500;
const PROBES: u64 = 24;

/// Draws numbers for one set of policies.
struct Dice {
    chance: Chance,
    set: u64,
    n: u64,
}

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.n += 1;
        self.chance.between("policies", &self.set.to_string(), self.n, 0, limit - 1)
    }

    fn is(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as i64) as usize]
    }

    fn labels(&mut self) -> Value {
        let mut labels = Value::map();
        for key in ["app", "tier"] {
            if self.is(70) {
                labels.set(&[key], self.pick(&["a", "b", "c"]));
            }
        }
        labels
    }

    fn selector(&mut self) -> Value {
        match self.below(4) {
            0 => Value::map(),
            1 => {
                let key = self.pick(&["app", "tier"]);
                let operator = self.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
                let mut one = tree!({"key": key, "operator": operator});
                if operator.ends_with("In") {
                    one.set(&["values"], tree!([(self.pick(&["a", "b"])), "c"]));
                }
                tree!({"matchExpressions": [one]})
            }
            _ => {
                let mut labels = Value::map();
                labels.set(&[self.pick(&["app", "tier"])], self.pick(&["a", "b", "c"]));
                tree!({"matchLabels": labels})
            }
        }
    }

    fn block(&mut self) -> Value {
        let cidr =
            self.pick(&["0.0.0.0/0", "10.244.0.0/16", "10.244.1.0/24", "10.64.140.0/24", "10.244.2.0/28"]);
        let mut block = tree!({"cidr": cidr});
        if self.is(50) {
            let except = self.pick(&["10.244.1.0/24", "10.244.1.8/29", "10.244.2.11/32", "10.64.140.2/32"]);
            block.set(&["except"], tree!([except]));
        }
        tree!({"ipBlock": block})
    }

    fn peer(&mut self) -> Value {
        match self.below(4) {
            0 => self.block(),
            1 => tree!({"podSelector": (self.selector())}),
            2 => tree!({"namespaceSelector": (self.selector())}),
            _ => tree!({"namespaceSelector": (self.selector()), "podSelector": (self.selector())}),
        }
    }

    fn port(&mut self) -> Value {
        let protocol = self.pick(&["TCP", "TCP", "UDP", "SCTP"]);
        match self.below(5) {
            0 => tree!({"protocol": protocol}),
            1 => tree!({"protocol": protocol, "port": (self.pick(&["web", "alt", "dns", "none"]))}),
            2 => tree!({"protocol": protocol, "port": 80, "endPort": (self.pick(&[80, 81, 443]))}),
            _ => tree!({"protocol": protocol, "port": (self.pick(&[80, 81, 443]))}),
        }
    }

    fn rules(&mut self, peers: &str) -> Value {
        let count = self.below(3);
        let rule = |dice: &mut Dice| {
            let mut rule = Value::map();
            let (ends, ports) = (dice.below(4), dice.below(3));
            if ends > 0 {
                rule.set(&[peers], (0..ends).map(|_| dice.peer()).collect::<Value>());
            }
            if ports > 0 {
                rule.set(&["ports"], (0..ports).map(|_| dice.port()).collect::<Value>());
            }
            rule
        };
        (0..count).map(|_| rule(self)).collect()
    }

    fn policy(&mut self, number: i64) -> Value {
        let types = self.pick(&[&["Ingress"][..], &["Egress"], &["Ingress", "Egress"]]);
        tree!({
            "metadata": {"namespace": (self.pick(&["x", "y", "z"])), "name": (format!("p{number}"))},
            "spec": {
                "podSelector": (self.selector()),
                "policyTypes": (types.iter().map(|one| Value::from(*one)).collect::<Value>()),
                "ingress": (self.rules("from")),
                "egress": (self.rules("to")),
            },
        })
    }
}

#[test]
fn rules_permit_what_the_documentation_says() {
    let (mut opened, mut refused) = (0, 0);
    for set in 0..SETS {
        let mut dice = Dice { chance: Chance::new(7), set, n: 0 };
        let namespaces = ["x", "y", "z"]
            .map(|name| tree!({"metadata": {"name": name, "labels": (dice.labels())}}))
            .to_vec();
        let pods: Vec<Value> = (0..9)
            .map(|n| pod(["x", "y", "z"][n % 3], ["a", "b", "c"][n / 3], dice.labels(), (n * 7 + 3) % 9))
            .collect();
        let count = 1 + dice.below(4);
        let policies: Vec<Value> = (0..count).map(|n| dice.policy(n)).collect();
        let policies: Vec<&Value> = policies.iter().collect();
        let mut world = World::new(namespaces.clone(), pods.clone());
        world.enforce(&policies);
        for _ in 0..PROBES {
            let to = &pods[dice.below(9) as usize];
            let from = Some(&pods[dice.below(9) as usize]).filter(|_| dice.is(85));
            let (port, protocol): (u16, Protocol) = (dice.pick(&PORTS), dice.pick(&PROTOCOLS));
            let end = from.map_or(End { ip: [10, 64, 140, 2].into(), pod: None }, End::pod);
            let expected = permits(&policies, &namespaces, &end, &End::pod(to), port, protocol);
            let name = from.map_or("out".to_string(), key);
            let opens = world.opens(&name, ip(to), port, protocol);
            if opens != expected {
                let texts: Vec<String> = policies.iter().map(|policy| api::yaml::print(policy)).collect();
                let rules: Vec<_> = world
                    .nodes
                    .iter()
                    .map(|(_, host)| {
                        world.network.iptables_save(
                            *host,
                            None,
                            network::iptables::Counters::Show,
                            sim::Time::EPOCH,
                        )
                    })
                    .collect();
                panic!(
                    "set {set}: {name} to {} {} {port}: {opens}, not {expected}\n{}\n{}",
                    key(to),
                    protocol.name(),
                    texts.join("---\n"),
                    rules.join("\n")
                );
            }
            *(if opens { &mut opened } else { &mut refused }) += 1;
        }
    }
    assert!(opened > 2_000 && refused > 2_000, "{opened} opened, {refused} were refused");
}
