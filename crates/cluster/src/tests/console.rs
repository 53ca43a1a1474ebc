//! What is typed while commands run.

use crate::{Cluster, Preset};
use ::view::Input;
use sim::SECOND;

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 7);
    cluster.run_line("kubectl create deployment web --image=nginx");
    cluster.run_line("kubectl rollout status deployment web");
    cluster
}

fn type_in(cluster: &mut Cluster, tab: u32, text: &str) -> String {
    cluster.input(Input::Line { tab, text: text.to_string() });
    let until = cluster.now() + SECOND;
    cluster.run_until(until);
    cluster.terminal.take_output(tab)
}

fn press(cluster: &mut Cluster, input: Input, tab: u32) -> String {
    cluster.input(input);
    let until = cluster.now() + SECOND;
    cluster.run_until(until);
    cluster.terminal.take_output(tab)
}

#[test]
fn the_page_is_told_that_a_command_reads() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 7);
    type_in(&mut cluster, 1, "cat > f");
    let row = cluster.terminal.tabs().remove(0);
    assert!(row.running && row.reads && row.prompt.is_empty());
    type_in(&mut cluster, 1, "text");
    press(&mut cluster, Input::EndInput { tab: 1 }, 1);
    let row = cluster.terminal.tabs().remove(0);
    assert!(!row.running && !row.reads);
    assert_eq!(type_in(&mut cluster, 1, "cat f"), "text\n");
}

/// Ctrl-C ends what a shell in a container runs, and not the shell.
#[test]
fn an_interrupt_reaches_the_container() {
    let mut cluster = cluster();
    let prompt = type_in(&mut cluster, 1, "kubectl exec -it deploy/web -- bash");
    assert!(prompt.ends_with(":/# "), "{prompt}");
    assert_eq!(type_in(&mut cluster, 1, "sleep 1000"), "");
    let after = press(&mut cluster, Input::Interrupt { tab: 1 }, 1);
    assert_eq!(after, format!("^C\n{prompt}"));
    assert_eq!(type_in(&mut cluster, 1, "echo $?"), format!("130\n{prompt}"));
    assert_eq!(press(&mut cluster, Input::EndInput { tab: 1 }, 1), "exit\n");
    assert!(!cluster.terminal.is_running(1));
}

/// A command in a container ends with the container.
#[test]
fn a_command_ends_with_its_container() {
    let mut cluster = cluster();
    type_in(&mut cluster, 1, "kubectl exec -it deploy/web -- sleep 1000");
    cluster.input(Input::OpenTab);
    type_in(&mut cluster, 2, "kubectl delete pod -l app=web");
    assert_eq!(cluster.terminal.take_output(1), "command terminated with exit code 137\n");
    assert_eq!(cluster.terminal.exit_code(1), 137);
}

/// A forwarded port is there in other tabs too, until Ctrl-C.
#[test]
fn a_forwarded_port_lasts_until_its_command_ends() {
    let mut cluster = cluster();
    let forwarding = type_in(&mut cluster, 1, "kubectl port-forward deploy/web 8080:80");
    assert_eq!(forwarding, "Forwarding from 127.0.0.1:8080 -> 80\nForwarding from [::1]:8080 -> 80\n");
    cluster.input(Input::OpenTab);
    assert!(type_in(&mut cluster, 2, "curl -s localhost:8080").contains("Welcome to nginx!"));
    assert_eq!(cluster.terminal.take_output(1), "Handling connection for 8080\n");
    press(&mut cluster, Input::Interrupt { tab: 1 }, 1);
    type_in(&mut cluster, 2, "curl -s localhost:8080");
    assert_eq!(cluster.terminal.exit_code(2), 7);
}

/// Ctrl-C ends kubeadm, and not the kubelet that it has started: that joins once its certificate is there.
#[test]
fn an_interrupted_join_goes_on_by_itself() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 7);
    for line in [
        "machine add node-4",
        "machine stop certificatesigningrequest-signing-controller",
        "J=$(ssh control-plane kubeadm token create --print-join-command)",
        "ssh node-4 sudo $J",
    ] {
        type_in(&mut cluster, 1, line);
    }
    cluster.sleep(20);
    assert!(cluster.terminal.is_running(1), "it waits");
    press(&mut cluster, Input::Interrupt { tab: 1 }, 1);
    assert!(!cluster.terminal.is_running(1));
    assert_eq!(type_in(&mut cluster, 1, "kubectl get nodes node-4 -o name 2>/dev/null"), "");
    type_in(&mut cluster, 1, "machine start certificatesigningrequest-signing-controller");
    cluster.sleep(20);
    let shown = "kubectl get nodes node-4 --no-headers | awk '{print $2}'";
    assert_eq!(type_in(&mut cluster, 1, shown), "Ready\n");
}
