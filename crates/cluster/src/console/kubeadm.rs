//! `kubeadm`: tokens, joining a machine to the cluster, and taking it out again.
// Models cmd/kubeadm/app/cmd/token.go, join.go, reset.go

use super::ground::Ground;
use crate::join::Machinery;
use api::bootstrap_token::{self, field};
use api::number::to_base64;
use api::{Method, Request, User, Value, tree};
use shell::MachineAnswer;
use sim::{HOUR, Nanos, Time};
use std::rc::Rc;

const GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
/// For how long a token holds (`--ttl`).
const TTL: Nanos = 24 * HOUR;
pub(super) const TRACE: &str = "To see the stack trace of this error execute with --v=5 or higher\n";
const HINT: &str = "# kubarium: of kubeadm there are token create, list and delete, join, reset, and init phase addon kube-proxy\n";
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

    pub(super) fn admin(&mut self, method: Method, path: &str, body: Value) -> api::Response {
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
        let token = format!("{}.{}", self.world.word("token-id", 6), self.world.word("token-secret", 16));
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

    /// Returns the number by which the cluster's authority is known.
    pub(super) fn ca_hash(&self) -> String {
        (0..4).map(|n| format!("{:016x}", self.world.chance.draw("ca-hash", "", n))).collect()
    }

    /// Returns the tokens that hold: `id.secret`, and until when.
    fn tokens(&mut self) -> Vec<(String, Time)> {
        let list = self.admin(Method::Get, SECRETS, Value::Null);
        let tokens = list.body["items"].items().iter().filter_map(|secret| {
            let until = bootstrap_token::holds_until(secret).unwrap_or(Time::NEVER);
            let token = format!("{}.{}", field(secret, "token-id"), field(secret, "token-secret"));
            bootstrap_token::is_token(secret).then_some((token, until))
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
