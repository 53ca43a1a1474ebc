use crate::Moment;
use serde::{Deserialize, Serialize};

/// What the page may ask. Looking changes nothing: no revision, no chance, no trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub enum Ask {
    /// What the server would say to this manifest (dry run), by line.
    Verdict {
        /// The file's name.
        name: String,
        /// Its text.
        text: String,
    },
    /// What could stand at this place of a manifest.
    Fields {
        /// The text.
        text: String,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
    },
    /// What could complete this line of a console.
    Complete {
        /// The tab.
        tab: u32,
        /// The line so far.
        line: String,
    },
    /// An object as the inspector shows it.
    Object {
        /// `pods/default/x`, `nodes/node-1`, `deployments/default/x`, `services/default/x`.
        object: String,
    },
    /// A component as the inspector shows it: a place as in [`crate::Traveller`].
    Part {
        /// The place: `scheduler`, `controller/deployment`, `kubelet/node-1`, `etcd`, `apiserver`.
        place: String,
    },
    /// The way of an exchange, rule by rule.
    Way {
        /// The exchange's number.
        exchange: u64,
    },
    /// A node's rules.
    Rules {
        /// The node.
        node: String,
        /// `nat`, `filter`, `nftables`, `ipvs` or `ipset`; empty for the one in which kube-proxy leads Services on.
        table: String,
        /// An exchange whose rules are to be lit; 0 for none.
        exchange: u64,
    },
    /// Who would answer a new connection; nothing is sent.
    WhoAnswers {
        /// Who would ask: `client`, `node/NAME`, `pod/NAMESPACE/NAME`.
        from: String,
        /// The address and port as typed: `10.64.140.43:80`, or `:80` behind a Service's `namespace/name`.
        to: String,
        /// `TCP`, `UDP` or `ICMP`.
        protocol: String,
    },
    /// Where the nodes' kube-proxies know different endpoints.
    Beliefs,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub enum Answer {
    /// To [`Ask::Verdict`].
    Verdict {
        /// What is wrong, by line; empty where nothing is.
        diagnostics: Vec<Diagnostic>,
        /// How a pasted text can be mended; none where it needn't.
        mend: Option<Mend>,
        /// Whether each object would be `created`, `configured` or `unchanged`: (kind/name, which).
        outcome: Vec<(String, String)>,
    },
    /// To [`Ask::Fields`] and [`Ask::Complete`].
    Candidates {
        /// How many characters before the cursor they replace.
        replace: u32,
        /// The candidates, best first.
        candidates: Vec<Candidate>,
    },
    /// To [`Ask::Object`] and [`Ask::Part`].
    Object {
        /// The object; none where it is gone.
        object: Option<Box<ObjectView>>,
    },
    /// To [`Ask::Way`].
    Way {
        /// The steps in order; empty where they are no longer known.
        steps: Vec<PacketStep>,
    },
    /// To [`Ask::Rules`].
    Rules {
        /// The rules; none where there is no such node.
        rules: Option<Box<RulesView>>,
    },
    /// To [`Ask::WhoAnswers`].
    WhoAnswers {
        /// The ways that the packet might take, in the order of the rules; empty where the question can't be
        /// read.
        ways: Vec<PossibleWay>,
        /// What can't be read of the question: `from`, `to`, `port`; empty where nothing is.
        problem: String,
    },
    /// To [`Ask::Beliefs`].
    Beliefs {
        /// The nodes whose kube-proxies run, and when each last wrote its rules.
        nodes: Vec<(String, Option<Moment>)>,
        /// The endpoints that not all of them know.
        rows: Vec<BeliefRow>,
    },
}

/// A way that a packet might take, were it sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PossibleWay {
    /// Its share of all connections, in millionths.
    pub share: u32,
    /// `answered`, `refused`, `unreachable`, `timeout`.
    pub outcome: String,
    /// The pod that would get it (`namespace/name`), or the machine; empty for nobody.
    pub server: String,
    /// The pod's version; 0 for others.
    pub version: u32,
    /// The address and port at which it would arrive; empty for nobody.
    pub address: String,
    /// Whom the server would see: address and port; empty for nobody.
    pub seen: String,
    /// The way, step by step.
    pub steps: Vec<PacketStep>,
}

/// An endpoint that not all nodes' kube-proxies know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeliefRow {
    /// The Service's port: `default/web:http`.
    pub port: String,
    /// The Service: `services/default/web`.
    pub service: String,
    /// The endpoint: `10.244.1.5:8080`.
    pub endpoint: String,
    /// The pod that has the address (`namespace/name`); empty for none.
    pub pod: String,
    /// The nodes that lead there.
    pub nodes: Vec<String>,
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The server refuses it.
    Error,
    /// The server warns of it.
    Warning,
    /// Ours, to help.
    Info,
}

/// Something to say about a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 for the whole line.
    pub column: u32,
    /// How grave.
    pub severity: Severity,
    /// The real system's words.
    pub message: String,
    /// What to do, in our words; may be empty.
    pub hint: String,
}

/// How a text that came broken by a paste can be mended on one click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mend {
    /// What is wrong, each once: `noBreakSpaces`, `curlyQuotes`, `tabs`, `blankLines`, `oldVersion`, …; the page has the words.
    pub faults: Vec<String>,
    /// The mended text.
    pub text: String,
    /// What is still missing afterwards, in the server's words; empty where nothing is.
    pub remaining: Vec<String>,
}

/// A completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// What it is: a field's type, a resource's kind.
    pub detail: String,
    /// The documentation; may be empty.
    pub info: String,
}

/// An object for the inspector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectView {
    /// The title: `Pod hello-7c9d8f5b5c-9wz2k`.
    pub title: String,
    /// Facts in order: (name, value), in Kubernetes' words.
    pub facts: Vec<(String, String)>,
    /// Conditions: (type, status, reason, message, since).
    pub conditions: Vec<(String, String, String, String, Moment)>,
    /// The YAML as kubectl prints it; empty for components.
    pub yaml: String,
    /// What `kubectl describe` prints; empty for components.
    pub describe: String,
    /// Events: (when, kind, reason, message).
    pub events: Vec<(Moment, String, String, String)>,
    /// The log's last lines; empty for all but pods.
    pub logs: Vec<String>,
    /// For a pod: each node's verdict: (node, chosen, score, why not).
    pub verdicts: Vec<(String, bool, i64, String)>,
    /// The last requests of a component: (when, verb, resource, object, code).
    pub requests: Vec<(Moment, String, String, String, u16)>,
    /// For a pod: its life so far, the oldest first.
    pub life: Vec<LifeRow>,
    /// For a node: what it has, what is asked of it, and what is used.
    pub usage: Vec<UsageRow>,
    /// What it is connected with: (the field that says so, the object's key).
    pub links: Vec<(String, String)>,
    /// What can go wrong with it or be taken back, and the command that does it. Of a pod's program: `unready`, `leak`,
    /// `crash`, `slow`, and `none` for being well again. Of a node: `cut-others`, `slow-network`, `fill-disk`, or
    /// `heal-others`, `fast-network`, `empty-disk`.
    pub faults: Vec<(String, String)>,
}

/// Something that happened in a pod's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LifeRow {
    /// When.
    pub at: Moment,
    /// What it is from then on, as kubectl's STATUS says it; empty where that stays.
    pub state: String,
    /// The reason, in Kubernetes' words.
    pub reason: String,
    /// The message; may be empty.
    pub message: String,
    /// Whether it went wrong.
    pub bad: bool,
}

/// A resource of a node. Processors are counted in thousandths, memory in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageRow {
    /// `cpu`, `memory` or `pods`.
    pub resource: String,
    /// What pods may ask for (`status.allocatable`).
    pub allocatable: i64,
    /// What the pods that are there ask for.
    pub requests: i64,
    /// What they may use at most; 0 where nothing is limited.
    pub limits: i64,
    /// What is used, as the metrics server knows it; none without one.
    pub used: Option<i64>,
}

/// A rule that was tried on a packet's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedRule {
    /// The rule's number in its chain, from 1.
    pub number: u32,
    /// The rule as iptables-save prints it.
    pub text: String,
    /// Whether it matched.
    pub matched: bool,
    /// The rule's probability and the number drawn, both in millionths; none for rules without.
    pub dice: Option<(u32, u32)>,
    /// The endpoint a service chain's rule leads to: `10.244.1.5:8080`; empty for others.
    pub endpoint: String,
}

/// One step of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketStep {
    /// Where: `client`, `node-2`, a pod's `namespace/name`.
    pub place: String,
    /// The table and hook: `nat PREROUTING`; empty for what is no rule.
    pub hook: String,
    /// The chain; empty for what is no rule.
    pub chain: String,
    /// What happened: `arp`, `match`, `mark`, `dnat`, `masquerade`, `accept`, `reject`, `drop`, `route`,
    /// `deliver`, `conntrack`, `tracked`, `lost`; the page has the words.
    pub what: String,
    /// What it depends on: the address asked for, the mark, the route.
    pub detail: String,
    /// The rules tried; the last is the one that matched. Long runs of rules that didn't match are left out.
    pub tried: Vec<TriedRule>,
    /// How many rules of the chain were tried in all.
    pub tried_count: u32,
    /// How many rules the chain has.
    pub chain_length: u32,
    /// The Service or NetworkPolicy for which the rule was written: `services/default/web`; empty for none.
    #[serde(default)]
    pub service: String,
    /// The EndpointSlice for which it was written: `endpointslices/default/web-x7k2p`; empty for none.
    #[serde(default)]
    pub slice: String,
    /// Where it is refused by NetworkPolicies: those that select the pod and permit nothing like it, such as
    /// `networkpolicies/default/db`.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Source before: `10.64.140.2:51844`.
    pub source: String,
    /// Destination before.
    pub destination: String,
    /// Source after.
    pub source_after: String,
    /// Destination after.
    pub destination_after: String,
    /// When.
    pub at: Moment,
}

/// A rule of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// The rule as iptables-save prints it.
    pub text: String,
    /// Its target: `KUBE-SERVICES`, `DNAT`, `ACCEPT`.
    pub target: String,
    /// Packets that matched.
    pub packets: u64,
    /// Whether the chosen exchange took it.
    pub lit: bool,
    /// Whether it is an element of the map that the rule before it looks in.
    #[serde(default)]
    pub element: bool,
}

/// A node's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulesView {
    /// The node.
    pub node: String,
    /// The table.
    pub table: String,
    /// The tables that the node has, kube-proxy's own first.
    pub tables: Vec<String>,
    /// The chains in the order in which iptables-save prints them: (name, policy or `-`, rules). Virtual servers
    /// and sets stand as chains: their policy is what they are for, their rules are where they lead.
    pub chains: Vec<(String, String, Vec<RuleRow>)>,
    /// When kube-proxy last wrote it.
    pub written: Option<Moment>,
    /// What `iptables-save -t TABLE` prints, `nft list ruleset`, `ipvsadm -Ln` or `ipset list`.
    pub text: String,
}
