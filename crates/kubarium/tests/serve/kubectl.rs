//! A real kubectl, where the machine has one.

use crate::server::{Server, say};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the version of the kubectl on the PATH (`1.32.4`); where there is none, says so.
pub fn version() -> Option<String> {
    let told = Command::new("kubectl").args(["version", "--client"]).output().ok();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
    let version = told.split("Client Version: v").nth(1).and_then(|rest| rest.split(['-', '\n']).next());
    if version.is_none() {
        say("NOT RUN: there is no kubectl on the PATH");
    }
    version.map(str::to_string)
}

/// A folder with its own home, in which a real kubectl speaks to a server.
pub struct Kubectl {
    folder: PathBuf,
    kubeconfig: String,
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Kubectl {
    /// Makes the folder.
    pub fn new(server: &Server) -> Kubectl {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kubarium-kubectl-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Kubectl { folder, kubeconfig: server.kubeconfig.clone() }
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.join(name), content).unwrap();
    }

    /// Returns a text with `~` for the folder's path.
    pub fn without_folder(&self, text: &str) -> String {
        text.replace(&*self.folder.to_string_lossy(), "~")
    }

    /// Starts a line of the shell, both outputs in one.
    pub fn spawn(&self, line: &str) -> Child {
        Command::new("bash")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("EDITOR", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a line of the shell. Returns what it printed, with `[exit N]` last where that is not 0.
    pub fn shell(&self, line: &str) -> String {
        let mut child = self.spawn(line);
        let mut output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = output.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let began = Instant::now();
        let code = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status.code().unwrap_or(-1),
                None if began.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return format!("[no end after {} s]\n", PATIENCE.as_secs());
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let text = reader.join().unwrap();
        if code == 0 { text } else { format!("{text}[exit {code}]\n") }
    }
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: nginx
        image: nginx:1.25
        ports:
        - containerPort: 80
";

#[test]
fn a_real_kubectl_works_as_with_a_real_cluster() {
    if version().is_none() {
        return;
    }
    let server = Server::start();
    let kubectl = Kubectl::new(&server);
    kubectl.write("web.yaml", DEPLOYMENT);
    for (line, wanted) in [
        ("kubectl apply -f web.yaml", "deployment.apps/web created"),
        ("kubectl rollout status deployment/web --timeout=50s", "successfully rolled out"),
        (
            "kubectl wait --for=condition=Available deploy/web --timeout=20s",
            "deployment.apps/web condition met",
        ),
        ("kubectl get deploy web -o jsonpath={.status.readyReplicas}", "2"),
        ("kubectl explain deployment.spec.replicas", "Number of desired pods"),
        ("kubectl explain pod.spec.containers --recursive | head -30", "FIELDS:"),
        (
            "kubectl apply --server-side -f web.yaml --force-conflicts",
            "deployment.apps/web serverside-applied",
        ),
        ("kubectl diff -f web.yaml; echo $?", "0"),
        ("kubectl exec deploy/web -- hostname", "web-"),
        ("kubectl exec deploy/web -- sh -c 'exit 3'", "command terminated with exit code 3"),
        ("echo hello | kubectl exec -i deploy/web -- cat", "hello"),
        ("kubectl logs deploy/web --tail=1", "start worker process"),
        ("kubectl scale deploy/web --replicas=3", "deployment.apps/web scaled"),
        (
            "kubectl set image deploy/web nginx=nginx:1.27 && kubectl rollout status deploy/web",
            "successfully rolled out",
        ),
        ("kubectl rollout undo deploy/web && kubectl rollout status deploy/web", "successfully rolled out"),
        ("kubectl create configmap c --from-literal=a=b --dry-run=server -o yaml", "a: b"),
        ("kubectl label node node-1 disk=ssd", "node/node-1 labeled"),
        ("kubectl auth can-i '*' '*'", "yes"),
        ("kubectl get --raw /readyz", "ok"),
        ("kubectl delete -f web.yaml --wait", "deployment.apps \"web\" deleted"),
    ] {
        let told = kubectl.shell(line);
        assert!(told.contains(wanted), "$ {line}\n{told}");
    }
}

#[test]
fn a_real_kubectl_follows_a_log_and_a_watch() {
    if version().is_none() {
        return;
    }
    let server = Server::start();
    let kubectl = Kubectl::new(&server);
    let talk = "kubectl run talk --image=busybox --restart=Never -- \
                sh -c 'for i in 1 2 3 4; do echo line $i; sleep 1; done'";
    assert!(kubectl.shell(talk).contains("pod/talk created"));
    let mut watch = kubectl.spawn("exec kubectl get pod talk -w -o jsonpath='{.status.phase} '");
    assert!(kubectl.shell("kubectl wait --for=jsonpath={.status.phase}=Running pod/talk").contains("met"));
    assert_eq!(kubectl.shell("kubectl logs -f talk"), "line 1\nline 2\nline 3\nline 4\n");
    assert!(kubectl.shell("kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/talk").contains("met"));
    std::thread::sleep(Duration::from_millis(500));
    watch.kill().unwrap();
    watch.wait().unwrap();
    let mut seen = String::new();
    watch.stdout.take().unwrap().read_to_string(&mut seen).unwrap();
    assert!(seen.contains("Running") && seen.trim_end().ends_with("Succeeded"), "{seen}");
}

/// Ends a command with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn its_proxy_leads_to_applications() {
    if version().is_none() {
        return;
    }
    let server = Server::start();
    let kubectl = Kubectl::new(&server);
    let made = kubectl.shell(
        "kubectl create deployment web --image=nginx:1.25 --port=80 && kubectl expose deployment web && \
         kubectl wait --for=condition=Available deployment/web --timeout=60s",
    );
    assert!(made.contains("condition met"), "{made}");
    let mut proxy = Running(kubectl.spawn("exec kubectl proxy --port=0"));
    let mut said = BufReader::new(proxy.0.stdout.take().unwrap()).lines();
    let said = said.next().unwrap().unwrap();
    let address = said.strip_prefix("Starting to serve on ").unwrap_or_else(|| panic!("{said}")).to_string();
    let get = |path: &str| {
        let mut connection = TcpStream::connect(&address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    };
    let page = get("/api/v1/namespaces/default/services/web/proxy/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Welcome to nginx!"), "{page}");
    let none = get("/api/v1/namespaces/default/services/web:81/proxy/");
    assert!(none.starts_with("HTTP/1.1 503") && none.contains("no service port 81 found"), "{none}");
    let kubelet = get("/api/v1/nodes/node-1/proxy/healthz");
    assert!(kubelet.contains("\r\nok\r\n"), "{kubelet}");
}
