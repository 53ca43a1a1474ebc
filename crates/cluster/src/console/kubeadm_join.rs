//! `kubeadm join`: it waits for the cluster's description to be signed, lets the kubelet start, and waits for the
//! kubelet's certificate. It goes on in steps; what it waits for is told by where it is.
// Models cmd/kubeadm/app/cmd/join.go, cmd/kubeadm/app/discovery/token/token.go,
// cmd/kubeadm/app/cmd/phases/join/kubelet.go

use super::ground::Ground;
use super::kubeadm::TRACE;
use crate::control_plane::Unit;
use crate::join::Machinery;
use crate::world::World;
use api::{Method, Value, bootstrap_token};
use shell::{MachineAnswer, MachineWait, Place};
use sim::{MILLISECOND, MINUTE, Nanos, SECOND, Time};

/// How often it asks for the cluster's description, and for how long (`timeouts.discovery`).
// Models cmd/kubeadm/app/constants/constants.go DiscoveryRetryInterval
const DISCOVERY_RETRY: Nanos = 5 * SECOND;
const DISCOVERY_TIMEOUT: Nanos = 5 * MINUTE;
/// How often it asks whether the kubelet is well.
const HEALTH_RETRY: Nanos = 500 * MILLISECOND;
/// How often it looks for the kubelet's certificate, and for how long (`timeouts.tlsBootstrap`).
// Models cmd/kubeadm/app/constants/constants.go TLSBootstrapRetryInterval
const BOOTSTRAP_RETRY: Nanos = SECOND;
const BOOTSTRAP_TIMEOUT: Nanos = 5 * MINUTE;

const BEGIN: &str = "[preflight] Running pre-flight checks\n";
const STARTED: &str =
    "[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...
[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.
[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"
[kubelet-start] Writing kubelet environment file with flags to file \"/var/lib/kubelet/kubeadm-flags.env\"
[kubelet-start] Starting the kubelet
[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s
";
const JOINED: &str = "
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

";
// Models cmd/kubeadm/app/phases/kubelet/kubelet.go, its help screen
const HELP: &str = "
Unfortunately, an error has occurred, likely caused by:
\t- The kubelet is not running
\t- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)

If you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:
\t- 'systemctl status kubelet'
\t- 'journalctl -xeu kubelet'

";

const HINT: &str = "# kubarium: kubectl get csr shows what the kubelet waits for; it goes on waiting\n";

/// Returns a flag's value; empty where it isn't given.
fn flag<'a>(words: &[&'a str], name: &str) -> &'a str {
    let next = words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
    let joined = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    next.copied().or(joined).unwrap_or("")
}

fn failed(phase: &str, why: &str) -> MachineAnswer {
    MachineAnswer::failed(1, format!("error execution phase {phase}: {why}\n{TRACE}"))
}

impl Ground<'_> {
    /// Joins a machine that was added, or reset before.
    pub(super) fn join(&mut self, node: &str, server: &str, words: &[&str]) -> MachineAnswer {
        let token = flag(words, "--token");
        if bootstrap_token::parse(token).is_none() {
            let wrong = |field: &str| {
                format!("discovery.{field}: Invalid value: {token:?}: the bootstrap token is invalid")
            };
            let all = ["bootstrapToken.token", "tlsBootstrapToken"].map(wrong).join(", ");
            return MachineAnswer::failed(1, format!("[{all}]\n{TRACE}"));
        }
        let found = self.left_behind(node);
        if !found.is_empty() {
            let found: String = found.iter().map(|line| format!("\t[ERROR {line}\n")).collect();
            let why = format!(
                "[preflight] Some fatal errors occurred:\n{found}[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`"
            );
            return MachineAnswer { out: BEGIN.to_string(), ..failed("preflight", &why) };
        }
        let now = self.world.now;
        let next = self.discover(node, server, words, now);
        MachineAnswer { out: format!("{BEGIN}{}", next.out), ..next }
    }

    /// Returns what a machine has of an earlier attempt, which no other one may follow.
    fn left_behind(&self, node: &str) -> Vec<&'static str> {
        let file = match self.parts.node(node).is_some_and(|node| node.bootstrap.is_some()) {
            true => {
                "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf]: /etc/kubernetes/bootstrap-kubelet.conf already exists"
            }
            false if self.parts.runs_on(node, Unit::Kubelet) => {
                "FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists"
            }
            false => return Vec::new(),
        };
        vec![
            file,
            "Port-10250]: Port 10250 is in use",
            "FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists",
        ]
    }

    /// Goes on with a program that has waited; there is none but this one.
    pub(super) fn go_on(&mut self, place: &Place, argv: &[String], wait: &MachineWait) -> MachineAnswer {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let (Place::Node(node), ["kubeadm", "join", server, flags @ ..]) = (place, words.as_slice()) else {
            return MachineAnswer::default();
        };
        let is_on = self.parts.by_name.get(&**node).and_then(|number| self.parts.nodes.get(*number as usize));
        if !is_on.is_some_and(|node| node.on) {
            return MachineAnswer { code: 255, ..MachineAnswer::default() };
        }
        let since = wait.since;
        match wait.phase {
            "discovery" => self.discover(node, server, flags, since),
            "health" => {
                let healthy = api::go::duration(self.world.now - since);
                let now = self.world.now;
                let next = self.wait_for_certificate(node, now);
                let out = format!(
                    "[kubelet-check] The kubelet is healthy after {healthy}\n[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap\n{}",
                    next.out
                );
                MachineAnswer { out, ..next }
            }
            _ => self.wait_for_certificate(node, since),
        }
    }

    fn wait(&mut self, phase: &'static str, since: Time, until: Time) -> MachineAnswer {
        self.machines.wait = Some(MachineWait { phase, since, until });
        MachineAnswer::default()
    }

    /// Asks for the cluster's description, and trusts it if it is signed with the token.
    // Models cmd/kubeadm/app/discovery/token/token.go retrieveValidatedConfigInfo
    fn discover(&mut self, node: &str, server: &str, words: &[&str], since: Time) -> MachineAnswer {
        let now = self.world.now;
        let fail = |why: &str| {
            failed("preflight", &format!("couldn't validate the identity of the API Server: {why}"))
        };
        let token = flag(words, "--token");
        let (id, secret) = token.split_once('.').unwrap_or_default();
        let info = match self.signed_info(server, id) {
            Ok(info) => info,
            Err(why) if now - since >= DISCOVERY_TIMEOUT => return fail(&why),
            Err(_) => {
                let until = (now + DISCOVERY_RETRY).min(since + DISCOVERY_TIMEOUT);
                return self.wait("discovery", since, until);
            }
        };
        let content = info["data"]["kubeconfig"].str();
        let signature = info["data"][format!("jws-kubeconfig-{id}").as_str()].str();
        if signature != controller_manager::token_signature(content, id, secret) {
            return fail(
                "failed to verify JWS signature of received cluster info object, can't trust this API Server",
            );
        }
        let (hash, hashes) =
            (format!("sha256:{}", self.ca_hash()), flag(words, "--discovery-token-ca-cert-hash"));
        if hashes != hash && !words.contains(&"--discovery-token-unsafe-skip-ca-verification") {
            return fail(&format!(
                "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys \"{hash}\" are pinned"
            ));
        }
        let (node_name, token) = (node.to_string(), token.to_string());
        self.machines.machinery.push(Machinery::Bootstrap { node: node_name, token });
        // It asks at once, when nobody listens there yet, and half a second later.
        let World { timing, chance, .. } = &*self.world;
        let answered = timing.answer.draw(*chance, "kubeadm", node, now.0.unsigned_abs());
        let next = self.wait("health", now, now + HEALTH_RETRY + answered);
        MachineAnswer { out: STARTED.to_string(), ..next }
    }

    /// Returns the cluster's description where it is signed with the token.
    // Models cmd/kubeadm/app/discovery/token/token.go getClusterInfo
    fn signed_info(&mut self, server: &str, id: &str) -> Result<Value, String> {
        let path = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
        let there = format!("{}:6443", self.wires.apiserver);
        if server != there || self.world.door.dial(self.wires.apiserver).is_some() {
            return Err(format!(
                "failed to request the cluster-info ConfigMap: Get \"https://{server}{path}?timeout=10s\": dial tcp {server}: connect: connection refused"
            ));
        }
        let info = self.admin(Method::Get, path, Value::Null).body;
        if info["data"][format!("jws-kubeconfig-{id}").as_str()].is_null() {
            return Err(format!(
                "could not find a JWS signature in the cluster-info ConfigMap for token ID \"{id}\""
            ));
        }
        Ok(info)
    }

    /// Looks whether the kubelet has its certificate.
    // Models cmd/kubeadm/app/cmd/phases/join/kubelet.go waitForTLSBootstrappedClient
    fn wait_for_certificate(&mut self, node: &str, since: Time) -> MachineAnswer {
        let now = self.world.now;
        if self.parts.runs_on(node, Unit::Kubelet) {
            return MachineAnswer::ok(JOINED);
        }
        if now - since >= BOOTSTRAP_TIMEOUT {
            let why = "failed while waiting for TLS bootstrap: context deadline exceeded";
            let failed = failed("kubelet-wait-bootstrap", why);
            return MachineAnswer { out: HELP.into(), err: failed.err + HINT, code: failed.code };
        }
        self.wait("bootstrap", since, (now + BOOTSTRAP_RETRY).min(since + BOOTSTRAP_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_flags() {
        let words = ["--token=a.b", "--hash", "h"];
        assert_eq!([flag(&words, "--token"), flag(&words, "--hash"), flag(&words, "--x")], ["a.b", "h", ""]);
    }
}
