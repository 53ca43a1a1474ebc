//! `kubeadm`: tokens, joining a machine to the cluster, and taking it out again.
// Models cmd/kubeadm/app/cmd/token.go, join.go, reset.go

use super::ground::Ground;
use crate::control_plane::Unit;
use crate::join::Machinery;
use crate::world::World;
use api::number::{from_base64, to_base64};
use api::x509::{self, SigningRequest, Subject};
use api::{Method, Request, User, Value, tree};
use shell::MachineAnswer;
use sim::{Chance, HOUR, MILLISECOND, Nanos, Time};
use std::rc::Rc;

const GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
/// For how long a token holds (`--ttl`).
const TTL: Nanos = 24 * HOUR;
const TRACE: &str = "To see the stack trace of this error execute with --v=5 or higher\n";
const HINT: &str = "# kubarium: of kubeadm there are token create, list and delete, join, reset, and init phase addon kube-proxy\n";
const JOINED: &str = "
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

";

impl Ground<'_> {
    /// `kubeadm token`, `kubeadm join`, `kubeadm reset`, `kubeadm init phase addon kube-proxy`.
    pub(super) fn kubeadm(&mut self, node: &str, words: &[&str]) -> MachineAnswer {
        let plane = self.parts.plane.members.iter().any(|member| member.machine.as_deref() == Some(node));
        match words {
            ["init", "phase", "addon", "kube-proxy"] => self.add_kube_proxy(),
            ["token", ..] if !plane => MachineAnswer::failed(
                1,
                format!(
                    "failed to load admin kubeconfig: open /root/.kube/config: no such file or directory\n{TRACE}"
                ),
            ),
            ["token", "create", flags @ ..] => self.create_token(flags),
            ["token", "list"] => self.list_tokens(),
            ["token", "delete", token] => self.delete_token(token),
            ["join", server, flags @ ..] => self.join(node, server, flags),
            ["reset", ..] if plane => {
                MachineAnswer::failed(1, "# kubarium: a control plane isn't reset here\n")
            }
            ["reset", flags @ ..] if flags.iter().any(|flag| matches!(*flag, "-f" | "--force")) => {
                self.machines.machinery.push(Machinery::Reset(node.to_string()));
                MachineAnswer::ok(RESET)
            }
            ["reset", ..] => MachineAnswer::failed(1, format!("{RESET_WARNING}{TRACE}")),
            _ => MachineAnswer::failed(1, HINT),
        }
    }

    /// Makes kube-proxy's ConfigMap, or makes it again.
    fn add_kube_proxy(&mut self) -> MachineAnswer {
        let (code, told) = crate::addons::apply(self.world, &kube_proxy::config_map(""));
        match code < 300 {
            true => MachineAnswer::ok("[addons] Applied essential addon: kube-proxy\n"),
            false => MachineAnswer::failed(1, format!("error execution phase addon/kube-proxy: {told}\n")),
        }
    }

    fn admin(&mut self, method: Method, path: &str, body: Value) -> api::Response {
        let request = Request::new(method, path).body(body).by(&Rc::new(User::admin()), &"kubeadm".into());
        self.world.call_now(&request)
    }

    /// Returns why the API server can't be asked, in kubeadm's words.
    fn no_server(&self) -> Option<MachineAnswer> {
        let why = self.world.door.dial(self.wires.apiserver)?;
        Some(MachineAnswer::failed(1, format!("failed to create or update bootstrap token: {why}\n{TRACE}")))
    }

    fn create_token(&mut self, flags: &[&str]) -> MachineAnswer {
        if let Some(answer) = self.no_server() {
            return answer;
        }
        let (chance, n) = (self.world.chance, self.world.requests);
        let token = format!("{}.{}", word(chance, "token-id", n, 6), word(chance, "token-secret", n, 16));
        let (id, secret) = token.split_once('.').unwrap_or(("", ""));
        let data = |text: &str| Value::from(to_base64(text.as_bytes()));
        let expires = (self.world.now + TTL).rfc3339();
        let object = tree!({
            "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": (format!("bootstrap-token-{id}")), "namespace": "kube-system"},
            "data": {
                "auth-extra-groups": (data(GROUP)), "expiration": (data(&expires)), "token-id": (data(id)),
                "token-secret": (data(secret)), "usage-bootstrap-authentication": (data("true")),
                "usage-bootstrap-signing": (data("true")),
            },
        });
        let made = self.admin(Method::Post, SECRETS, object);
        if !made.is_success() {
            return MachineAnswer::failed(1, format!("{}\n{TRACE}", made.body["message"].str()));
        }
        // What kubeadm init has made already.
        let info = self.cluster_info();
        self.admin(Method::Post, "/api/v1/namespaces/kube-public/configmaps", info);
        for (name, role) in [
            ("kubeadm:kubelet-bootstrap", "system:node-bootstrapper"),
            (
                "kubeadm:node-autoapprove-bootstrap",
                "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
            ),
        ] {
            let binding = tree!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": GROUP}],
            });
            self.admin(Method::Post, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding);
        }
        if !flags.contains(&"--print-join-command") {
            return MachineAnswer::ok(format!("{token}\n"));
        }
        let (server, hash) = (self.wires.apiserver, self.ca_hash());
        MachineAnswer::ok(format!(
            "kubeadm join {server}:6443 --token {token} --discovery-token-ca-cert-hash sha256:{hash} \n"
        ))
    }

    /// Returns the ConfigMap that tells a machine whom it joins. The bootstrap signer signs it with each token.
    // Models cmd/kubeadm/app/phases/bootstraptoken/clusterinfo/clusterinfo.go CreateBootstrapConfigMapIfNotExists
    fn cluster_info(&self) -> Value {
        let server = self.wires.apiserver;
        let config = format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    server: https://{server}:6443\n  name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n"
        );
        tree!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"kubeconfig": config},
            "metadata": {"name": "cluster-info", "namespace": "kube-public"},
        })
    }

    /// Returns whether a controller runs.
    fn has_controller(&self, name: &str) -> bool {
        self.parts.runs(Unit::Manager) && !self.parts.plane.disabled.contains(name)
    }

    /// Returns whether the cluster's description is signed with a token, or will be in a moment.
    fn is_signed(&mut self, id: &str) -> bool {
        let path = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
        let info = self.admin(Method::Get, path, Value::Null).body;
        !info["data"][format!("jws-kubeconfig-{id}").as_str()].is_null()
            || self.has_controller("bootstrap-signer")
    }

    /// Returns the number by which the cluster's authority is known.
    fn ca_hash(&self) -> String {
        (0..4).map(|n| format!("{:016x}", self.world.chance.draw("ca-hash", "", n))).collect()
    }

    /// Returns the tokens that hold: `id.secret`, and until when.
    fn tokens(&mut self) -> Vec<(String, Time)> {
        let list = self.admin(Method::Get, SECRETS, Value::Null);
        let text = |secret: &Value, name: &str| {
            let bytes = from_base64(secret["data"][name].str()).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        let tokens = list.body["items"].items().iter().filter_map(|secret| {
            if secret["type"].str() != "bootstrap.kubernetes.io/token" {
                return None;
            }
            let until = Time::parse_rfc3339(&text(secret, "expiration")).unwrap_or(Time::NEVER);
            Some((format!("{}.{}", text(secret, "token-id"), text(secret, "token-secret")), until))
        });
        let now = self.world.now;
        tokens.filter(|(_, until)| *until > now).collect()
    }

    fn list_tokens(&mut self) -> MachineAnswer {
        if let Some(answer) = self.no_server() {
            return answer;
        }
        let now = self.world.now;
        let tokens = self.tokens();
        if tokens.is_empty() {
            return MachineAnswer::ok("");
        }
        let head = ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"];
        let row = |cells: [&str; 6]| {
            let [token, ttl, expires, usages, words, groups] = cells;
            format!("{token:<25} {ttl:<11} {expires:<22} {usages:<24} {words:<58} {groups}\n")
        };
        let mut out = row(head);
        for (token, until) in tokens {
            let hours = (until - now) / HOUR;
            let ttl =
                if hours > 0 { format!("{hours}h") } else { format!("{}m", (until - now) / sim::MINUTE) };
            out.push_str(&row([&token, &ttl, &until.rfc3339(), "authentication,signing", "<none>", GROUP]));
        }
        MachineAnswer::ok(out)
    }

    fn delete_token(&mut self, token: &str) -> MachineAnswer {
        let id = token.split('.').next().unwrap_or(token);
        let gone = self.admin(Method::Delete, &format!("{SECRETS}/bootstrap-token-{id}"), Value::Null);
        match gone.is_success() {
            true => MachineAnswer::ok(format!("bootstrap token \"{id}\" deleted\n")),
            false => MachineAnswer::failed(
                1,
                format!("failed to delete bootstrap token \"{id}\": {}\n{TRACE}", gone.body["message"].str()),
            ),
        }
    }

    /// Joins a machine that was added, or reset before.
    fn join(&mut self, node: &str, server: &str, flags: &[&str]) -> MachineAnswer {
        let begin = "[preflight] Running pre-flight checks\n";
        let fail = |why: String| MachineAnswer {
            out: begin.to_string(),
            err: format!("error execution phase preflight: {why}\n{TRACE}"),
            code: 1,
        };
        if self.parts.runs_on(node, Unit::Kubelet) {
            return fail("[preflight] Some fatal errors occurred:\n\t[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists\n\t[ERROR Port-10250]: Port 10250 is in use\n\t[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists\n[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`".to_string());
        }
        let value = |name: &str| {
            let next = flags.iter().position(|flag| *flag == name).and_then(|at| flags.get(at + 1));
            let joined = flags.iter().find_map(|flag| flag.strip_prefix(name)?.strip_prefix('='));
            next.copied().or(joined).unwrap_or("").to_string()
        };
        let (token, hash) = (value("--token"), value("--discovery-token-ca-cert-hash"));
        let there = format!("{}:6443", self.wires.apiserver);
        if server != there || self.world.door.dial(self.wires.apiserver).is_some() {
            return fail(format!(
                "couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: Get \"https://{server}/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s\": dial tcp {server}: connect: connection refused"
            ));
        }
        let id = token.split('.').next().unwrap_or("").to_string();
        if !self.tokens().iter().any(|(known, _)| *known == token) || !self.is_signed(&id) {
            return fail(format!(
                "couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID \"{id}\""
            ));
        }
        if hash != format!("sha256:{}", self.ca_hash())
            && !flags.contains(&"--discovery-token-unsafe-skip-ca-verification")
        {
            return fail(format!(
                "couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys \"sha256:{}\" are pinned",
                self.ca_hash()
            ));
        }
        self.request_certificate(node, &id);
        let signs = ["approving", "signing"].map(|name| format!("certificatesigningrequest-{name}"));
        let lacking = signs.iter().find(|name| !self.has_controller(name));
        // It asks every half a second, and has its answer a moment later.
        let World { timing, chance, now, .. } = &*self.world;
        let healthy = 500 * MILLISECOND + timing.answer.draw(*chance, "kubeadm", node, now.0.unsigned_abs());
        let started = format!(
            "{begin}[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"\n[kubelet-start] Writing kubelet environment file with flags to file \"/var/lib/kubelet/kubeadm-flags.env\"\n[kubelet-start] Starting the kubelet\n[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s\n[kubelet-check] The kubelet is healthy after {}\n[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap\n",
            api::go::duration(healthy)
        );
        if let Some(name) = lacking {
            // Nobody waits the minutes that kubeadm waits for a certificate that doesn't come.
            let err = format!(
                "error execution phase kubelet-wait-bootstrap: timed out waiting for the condition\n{TRACE}# kubarium: its request waits for {name}-controller\n"
            );
            return MachineAnswer { out: started, err, code: 1 };
        }
        self.machines.machinery.push(Machinery::Join(node.to_string()));
        MachineAnswer::ok(format!("{started}{JOINED}"))
    }

    /// Lets the kubelet ask for its certificate with the token. The controller manager approves and signs it.
    // Models staging/src/k8s.io/client-go/util/certificate/csr/csr.go RequestCertificate, pkg/kubelet/certificate/bootstrap
    fn request_certificate(&mut self, node: &str, id: &str) {
        let n = self.world.requests;
        let name = format!("csr-{}", word(self.world.chance, "csr", n, 5));
        let pair = |name: &str, text: String| (name.to_string(), text);
        let subject =
            Subject(vec![pair("O", "system:nodes".into()), pair("CN", format!("system:node:{node}"))]);
        let key = x509::public_key(&x509::private_key(self.world.chance, &name, 2_048)).unwrap_or_default();
        let asked = SigningRequest { subject, key, ..SigningRequest::default() };
        let request = tree!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": (&name)},
            "spec": {
                "request": (to_base64(asked.to_pem(self.world.chance).as_bytes())),
                "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                "usages": ["digital signature", "client auth"],
            },
        });
        let groups = ["system:bootstrappers", GROUP, "system:authenticated"];
        let user = Rc::new(User::new(&format!("system:bootstrap:{id}"), &groups));
        let asked = Request::new(Method::Post, REQUESTS).body(request).by(&user, &"kubelet".into());
        self.world.call_now(&asked);
    }

    /// `machine add NAME`: a machine beside the cluster, which can join it.
    pub(super) fn add_machine(&mut self, name: &str) -> MachineAnswer {
        if let Some(why) = crate::join::refusal(self.parts, name) {
            return MachineAnswer::failed(1, format!("machine: {why}\n"));
        }
        self.machines.machinery.push(Machinery::Add(name.to_string()));
        MachineAnswer::ok(format!(
            "{name} added\n# kubarium: ssh {name} kubeadm join … makes it a node; a control plane's kubeadm token create --print-join-command says how\n"
        ))
    }
}

const RESET_WARNING: &str =
    "W [reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted.
[reset] Are you sure you want to proceed? [y/N]: 
# kubarium: nothing is asked here: kubeadm reset --force
";
const RESET: &str = "[preflight] Running pre-flight checks
[reset] Stopping the kubelet service
[reset] Unmounting mounted directories in \"/var/lib/kubelet\"
[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki]
[reset] Deleting files: [/etc/kubernetes/admin.conf /etc/kubernetes/super-admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/bootstrap-kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf]

The reset process does not perform cleanup of CNI plugin configuration,
network filtering rules and kubeconfig files.

For information on how to perform this cleanup manually, please see:
    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/

";

/// Returns letters and digits, as tokens and names have them.
fn word(chance: Chance, purpose: &str, n: u64, length: u64) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let letter = |i: u64| LETTERS[(chance.draw(purpose, "", n * 16 + i) % 36) as usize] as char;
    (0..length).map(letter).collect()
}
