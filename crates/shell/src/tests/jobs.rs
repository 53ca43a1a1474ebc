use super::Session;
use crate::{Host, Job, Place, ShellState, Step, complete};
use sim::{Chance, MILLISECOND, SECOND};

#[test]
fn waits_for_a_moment() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.console.line(tab, "sleep 5; echo done");
    let Step::Blocked(wait) = session.console.step(&mut session.world, 100) else { panic!("it sleeps") };
    assert_eq!(wait.until, Some(session.world.now + 5 * SECOND));
    assert!(!wait.input && wait.streams.is_empty());
    session.world.now = session.world.now + 5 * SECOND;
    assert_eq!(session.console.step(&mut session.world, 100), Step::Done(0));
    session.run_until(session.world.now);
    assert_eq!(session.out, "done\n");
}

#[test]
fn a_loop_is_charged_time_and_can_be_interrupted() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    let began = session.world.now;
    session.console.line(tab, "i=0; while true; do i=$((i+1)); done");
    session.run_until(began + SECOND);
    let waited = session.world.now - began;
    assert!((900 * MILLISECOND..=SECOND).contains(&waited), "{waited}");
    session.console.interrupt(&mut session.world, tab);
    assert_eq!(session.answer("echo $?; echo $((i > 100 && i < 100000))"), "^C\n130\n1\n");
}

#[test]
fn a_budget_ends_a_step() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.console.line(tab, "for i in {1..1000}; do :; done; echo $i");
    let mut steps = 0;
    while session.console.step(&mut session.world, 50) == Step::Ready {
        steps += 1;
    }
    assert!(steps > 50, "{steps}");
    session.run_until(session.world.now);
    assert_eq!(session.out, "1000\n");
}

#[test]
fn a_finite_loop_needs_no_clock() {
    let mut session = Session::new();
    let began = session.world.now;
    assert_eq!(session.answer("i=0; while [ $i -lt 100 ]; do i=$((i+1)); done; echo $i"), "100\n");
    assert_eq!(session.world.now, began);
}

#[test]
fn reads_what_is_typed() {
    let mut session = Session::new();
    assert_eq!(session.answer("read -p 'name? ' x; echo \"hi $x\""), "name? \n[no end of line]\n[runs]\n");
    assert_eq!(session.answer("you"), "hi you\n");
    assert_eq!(session.answer("cat | tr a-z A-Z"), "[runs]\n");
    assert_eq!(session.answer("line"), "LINE\n[runs]\n");
    let tab = session.console.tabs()[0].id();
    session.console.end_input(tab);
    session.run_until(session.world.now);
    assert!(!session.console.tabs()[0].is_running());
}

#[test]
fn a_line_may_take_several() {
    let mut session = Session::new();
    session.line("for i in 1 2");
    assert_eq!(session.console.tabs()[0].prompt(), "> ");
    assert_eq!(session.answer("do echo $i\ndone"), "1\n2\n");
    assert_eq!(session.console.tabs()[0].prompt(), "$ ");
    session.line("echo 'open");
    let tab = session.console.tabs()[0].id();
    session.console.interrupt(&mut session.world, tab);
    assert_eq!(session.console.tabs()[0].prompt(), "$ ");
}

#[test]
fn a_nested_shell_prompts_and_survives_an_interrupt() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.line("ssh node-1");
    assert_eq!(session.console.tabs()[0].prompt(), "root@node-1:~# ");
    session.line("cd /tmp; X=1; sleep 1000");
    session.console.interrupt(&mut session.world, tab);
    session.run_until(session.world.now);
    assert_eq!(session.console.tabs()[0].prompt(), "root@node-1:/tmp# ");
    session.out.clear();
    assert_eq!(session.answer("echo $? $X"), "130 1\nroot@node-1:/tmp# \n[no end of line]\n[runs]\n");
    assert_eq!(session.answer("exit 3"), "logout\nConnection to node-1 closed.\n[exit 3]\n");
}

#[test]
fn runs_in_the_background() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.console.line(tab, "{ sleep 5; echo late; } & echo now");
    session.run_until(session.world.now + SECOND);
    assert_eq!(session.out, "[1] 2401\nnow\n");
    assert!(!session.console.tabs()[0].is_running());
    session.run_until(session.world.now + 10 * SECOND);
    assert_eq!(session.out, "[1] 2401\nnow\nlate\n");
    assert_eq!(
        session.answer("sleep 100 & kill %2; wait; echo over").lines().last(),
        Some("[2]+  Terminated              sleep 100")
    );
}

/// What one line leaves in the background, the next ones list, await, end and fetch back.
#[test]
fn the_background_lasts_from_line_to_line() {
    let mut session = Session::new();
    let mut plain = |line: &str, expected: &str| assert_eq!(session.answer(line), expected, "{line}");
    plain("sleep 5 &", "[1] 2401\n");
    plain("(sleep 3; exit 4) &", "[2] 2402\n");
    plain(
        "jobs",
        "[1]-  Running                 sleep 5 &\n[2]+  Running                 (sleep 3; exit 4) &\n",
    );
    plain("jobs -p; echo $!", "2401\n2402\n2402\n");
    plain("wait %2; echo $?", "4\n[2]+  Exit 4                  (sleep 3; exit 4)\n");
    plain("wait; echo $?", "0\n[1]+  Done                    sleep 5\n");
    plain("jobs", "");
    plain("sleep 100 &", "[1] 2401\n");
    plain("kill %1", "[1]+  Terminated              sleep 100\n");
    plain("fg", "bash: fg: current: no such job\n[exit 1]\n");
    plain("bg %7", "bash: bg: %7: no such job\n[exit 1]\n");
    plain("kill %3", "bash: kill: %3: no such job\n[exit 1]\n");
    plain("kill 77", "bash: kill: (77) - No such process\n[exit 1]\n");
    plain("kill -FOO 77", "bash: kill: FOO: invalid signal specification\n[exit 1]\n");
    plain("wait 77", "bash: wait: pid 77 is not a child of this shell\n[exit 127]\n");
    plain("sleep 100 &", "[1] 2401\n");
    let tab = session.console.tabs()[0].id();
    session.console.line(tab, "fg");
    session.run_until(session.world.now);
    assert!(session.console.tabs()[0].is_running());
    session.console.interrupt(&mut session.world, tab);
    session.run_until(session.world.now);
    assert_eq!(session.answer("jobs"), "sleep 100\n^C\n");
    // A script says nothing of what it starts.
    assert_eq!(session.answer("bash -c 'sleep 1 & wait; echo done'"), "done\n");
    // Ctrl-C is for what the prompt waits for, not for the background.
    session.answer("sleep 10 &");
    session.console.line(tab, "sleep 100");
    session.run_until(session.world.now);
    session.console.interrupt(&mut session.world, tab);
    assert!(session.answer("jobs").ends_with("^C\n[1]+  Running                 sleep 10 &\n"));
}

/// A terminal feeds what is typed to the command that reads, until Ctrl-D.
#[test]
fn a_command_reads_the_lines_that_follow() {
    for (line, shows) in [
        ("cat > f", "one\ntwo\n"),
        ("sed s/one/1/ > f", "1\ntwo\n"),
        ("grep o > f", "one\ntwo\n"),
        ("sort -r | head -1 > f", "two\n"),
        ("while read x; do echo \"<$x>\"; done > f", "<one>\n<two>\n"),
        ("kubectl get -f - > f", "[runs]\n"),
    ] {
        let mut session = Session::new();
        let tab = session.console.tabs()[0].id();
        session.line(line);
        let row = &session.console.tabs()[0];
        assert!(row.is_running() && row.reads() && row.prompt().is_empty(), "{line}");
        session.line("one");
        session.line("two");
        assert!(session.console.tabs()[0].reads(), "{line}");
        session.console.end_input(tab);
        session.run_until(session.world.now);
        assert!(!session.console.tabs()[0].is_running(), "{line}");
        if shows != "[runs]\n" {
            session.out.clear();
            assert_eq!(session.answer("cat f"), shows, "{line}");
        }
    }
    // Ctrl-D ends what one command reads; the shell that it runs in goes on.
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.line("bash");
    session.line("cat > f; cat f");
    session.line("text");
    session.console.end_input(tab);
    session.run_until(session.world.now);
    assert!(session.out.contains("$ text\n$ "), "{}", session.out);
    assert!(session.console.tabs()[0].is_running() && session.console.tabs()[0].reads());
    session.console.end_input(tab);
    session.run_until(session.world.now);
    assert!(!session.console.tabs()[0].is_running());
    assert!(session.out.ends_with("exit\n"), "{}", session.out);
    // At an idle prompt it does nothing.
    session.console.end_input(tab);
    assert_eq!(session.answer("echo here").lines().last(), Some("here"));
}

#[test]
fn tabs_run_side_by_side() {
    let mut session = Session::new();
    let first = session.console.tabs()[0].id();
    session.console.line(first, "kubectl logs -f web");
    session.run_until(session.world.now + 2 * SECOND);
    let second = session.console.free_tab(&mut session.world).unwrap();
    assert_ne!(first, second);
    session.console.line(second, "echo beside");
    session.run_until(session.world.now);
    assert_eq!(session.out, "line 1\nline 2\nbeside\n");
    assert_eq!(session.console.tab(first).unwrap().title(), "kubectl logs -f web");
    session.console.close_tab(&mut session.world, first);
    assert_eq!(session.world.closed, [1]);
    assert_eq!(session.console.tabs().len(), 1);
}

#[test]
fn an_interrupt_closes_streams_and_sums_up() {
    let mut session = Session::new();
    let tab = session.console.tabs()[0].id();
    session.console.line(tab, "kubectl logs -f web | grep 2");
    session.run_until(session.world.now + 3 * SECOND);
    session.console.interrupt(&mut session.world, tab);
    session.run_until(session.world.now);
    assert_eq!((session.out.as_str(), session.world.closed.as_slice()), ("line 2\n^C\n", [1].as_slice()));
    session.out.clear();
    session.console.line(tab, "ping web");
    session.run_until(session.world.now + 2 * SECOND);
    session.console.interrupt(&mut session.world, tab);
    session.run_until(session.world.now);
    assert!(session.out.contains("2 packets transmitted, 2 received"), "{}", session.out);
}

#[test]
fn edits_files() {
    let mut session = Session::new();
    session.answer("echo one > a.txt");
    let tab = session.console.tabs()[0].id();
    session.line("vi a.txt; cat a.txt");
    assert_eq!(session.console.tabs()[0].editing(), Some(("/root/a.txt", "one\n")));
    assert!(session.console.tabs()[0].wait().editor);
    session.console.edited(tab, Some("two\n".to_string()));
    session.run_until(session.world.now);
    assert_eq!(session.out, "two\n");
}

#[test]
fn edits_objects() {
    let mut session = Session::new();
    session.answer("KUBE_EDITOR='sed -i s/Running/Failed/' kubectl edit pod web");
    assert_eq!(session.world.patches, [r#"{"status":{"phase":"Failed"}}"#]);
}

#[test]
fn runs_elsewhere_as_exec_does() {
    let mut session = Session::new();
    let place = Place::Container { namespace: "default".into(), pod: "web".into(), container: "web".into() };
    let facts = session.world.facts(&place);
    let state = ShellState::new(place, &facts);
    let argv = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>();
    for (words, out, status) in [
        (argv(&["echo", "a  b", "$HOME"]), "a  b $HOME\n", 0),
        (argv(&["sh", "-c", "echo $HOSTNAME | cat"]), "web\n", 0),
        (argv(&["sh", "-c", "exit 9"]), "", 9),
        (
            argv(&["curl", "web"]),
            "bash: curl: command not found\n# kubarium: this image has no curl; kubectl run another one that has it\n",
            127,
        ),
    ] {
        let mut job = Job::exec(state.clone(), &words);
        assert_eq!(job.step(&mut session.world, 1_000), Step::Done(status), "{words:?}");
        let printed: String = job.take_output().into_iter().map(|chunk| chunk.text).collect();
        assert_eq!(printed, out);
    }
    let mut job = Job::exec(state.clone(), &argv(&["sh"]));
    job.input("echo piped\nexit 2\n");
    job.end_input();
    assert_eq!(job.step(&mut session.world, 1_000), Step::Done(2));
    assert_eq!(job.take_output()[0].text, "piped\n");
    let mut job = Job::interactive(state);
    assert!(matches!(job.step(&mut session.world, 1_000), Step::Blocked(wait) if wait.input));
    assert_eq!(job.prompt().as_deref(), Some("root@web:~# "));
    job.input("cd /tmp\n");
    job.input("pwd; exit\n");
    assert_eq!(job.step(&mut session.world, 1_000), Step::Done(0));
    let printed: String = job.take_output().into_iter().map(|chunk| chunk.text).collect();
    assert_eq!(printed, "root@web:~# root@web:/tmp# /tmp\nexit\n");
}

/// A clone taken at any moment prints the same as the original.
#[test]
fn a_clone_goes_on_alike() {
    let line = "for i in 1 2 3; do curl -s web | sed s/hello/hi/; x=$(echo $i | tr 123 abc); echo $x; sleep 1; done & \
                kubectl logs -f web | head -4; f() { echo in $1; }; f a | cat; wait; ping -c 2 web; echo $((x+1))";
    let mut original = Session::new();
    let tab = original.console.tabs()[0].id();
    original.console.line(tab, line);
    let mut clones = Vec::new();
    let chance = Chance::new(7);
    for n in 0..400 {
        if chance.between("clone", "test", n, 0, 9) == 0 {
            clones.push(original.clone());
        }
        match original.console.step(&mut original.world, 3) {
            Step::Ready => {}
            Step::Done(_) => break,
            Step::Blocked(wait) => {
                let next = [wait.until, original.world.next_at(&wait.streams)].into_iter().flatten().min();
                original.world.now = next.unwrap().max(original.world.now);
            }
        }
    }
    let limit = original.world.now + 100 * SECOND;
    original.run_until(limit);
    assert!(
        original.out.contains("line 4\n") && original.out.contains("2 packets transmitted"),
        "{}",
        original.out
    );
    assert!(clones.len() > 10);
    for mut clone in clones {
        clone.run_until(limit);
        assert_eq!(clone.out, original.out);
    }
}

#[test]
fn completes() {
    let mut session = Session::new();
    session.answer("mkdir -p manifests; touch manifests/a.yaml b.yaml; greet() { echo; }");
    let state = session.console.tabs()[0].state().clone();
    let mut texts = |line: &str| {
        let completion = complete(line, line.len(), &state, &mut session.world);
        let texts = completion.candidates.iter().map(|candidate| candidate.text.clone()).collect::<Vec<_>>();
        format!("{}: {}", completion.replace, texts.join(" "))
    };
    for (line, expected) in [
        ("hist", "4: history"),
        ("gre", "3: greet grep"),
        ("cat b", "1: b.yaml"),
        ("cat manifests/", "10: manifests/a.yaml"),
        ("ls | so", "2: sort source"),
        ("", "0: help kubectl"),
        ("kubectl rol", "3: rollout"),
        ("k apply -f ", "0: .kube/ b.yaml manifests/"),
        ("while true; do kubectl rollout und", "3: undo"),
        ("echo 'un", "3: "),
    ] {
        assert_eq!(texts(line), expected, "{line}");
    }
}

/// Nothing that can be typed makes the shell panic or go on for ever.
#[test]
fn survives_nonsense() {
    let pieces = [
        "echo ",
        "a",
        " ",
        "|",
        "&",
        ";",
        "\n",
        "$",
        "(",
        ")",
        "{",
        "}",
        "\"",
        "'",
        "`",
        "\\",
        "<",
        ">",
        "<<E\n",
        "E\n",
        "$((",
        "))",
        "${x",
        "#",
        "%",
        "/",
        ":",
        "-",
        "=",
        "for ",
        "in ",
        "do ",
        "done",
        "while ",
        "if ",
        "then ",
        "fi",
        "case ",
        "esac",
        ";;",
        "!",
        "[ ",
        "]",
        "[[ ",
        "]]",
        "*",
        "?",
        "{1..3}",
        "{a,b}",
        "sed s/a/b/ ",
        "grep -o '[' ",
        "awk '{print}' ",
        "cut -f",
        "tr a-z ",
        "head -n -",
        "f() ",
        "x=1 ",
        "2>&1",
        "&>",
        ">>",
        "$@",
        "한",
        "\u{a0}",
        "seq 3 ",
        "xargs ",
        "printf %5d ",
        "sort -k",
        "curl -w %{ ",
        "exit ",
        "return ",
        "break ",
        "set -e ",
        "shift ",
        "sh -c ",
        "eval ",
        "wait ",
        "read x ",
        "test -",
        "1",
        "0",
        "9999999999999999999",
        "sleep ",
        "timeout 1 ",
        "watch -n",
        "kubectl ",
        "get ",
        "base64 -d ",
        "date +%",
        "tail -f ",
        "wc ",
    ];
    let chance = Chance::new(11);
    for n in 0..3_000 {
        let length = chance.between("length", "line", n, 1, 14);
        let line: String = (0..length)
            .map(|i| {
                let at =
                    chance.between("piece", &n.to_string(), i.unsigned_abs(), 0, pieces.len() as i64 - 1);
                pieces[at as usize]
            })
            .collect();
        let mut session = Session::new();
        session.answer("echo content > a");
        session.answer(&line);
        let tab = session.console.tabs()[0].id();
        session.console.interrupt(&mut session.world, tab);
        session.run_until(session.world.now + SECOND);
        assert!(!session.console.tabs()[0].is_running(), "{line:?}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let mut session = Session::new();
    for line in [
        "(".repeat(5_000),
        "$(".repeat(5_000),
        "{ ".repeat(5_000),
        "if ".repeat(5_000),
        "${x:-".repeat(5_000),
        "\"$(echo ".repeat(2_000),
        "! ".repeat(100_000) + "true",
        "echo ".to_string() + &"{1..1000}".repeat(20),
        "echo ".to_string() + &"{a,b}".repeat(200),
        "f() { f | f; }; f".to_string(),
        "f() { (f); }; f".to_string(),
        "f() { x=$(f); }; f".to_string(),
        "x=a; while true; do x=$x$x; done".to_string(),
        "yes | cat > /tmp/y".to_string(),
        "yes | sort".to_string(),
        "x=$(yes)".to_string(),
        "for i in {1..100}; do sleep 100 & done".to_string(),
        "printf '%9999999d' 1 | wc -c".to_string(),
        "[ ".to_string() + &"( ".repeat(10_000) + "]",
        "echo a | sed '".to_string() + &"{".repeat(10_000),
        "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '(a*)*b'".to_string(),
        "echo a | grep -E '((a{1,1000}){1,1000}){1,1000}'".to_string(),
    ] {
        let tab = session.console.tabs()[0].id();
        session.console.line(tab, &line);
        session.run_until(session.world.now + 2 * SECOND);
        session.console.interrupt(&mut session.world, tab);
        session.console.interrupt(&mut session.world, tab);
        session.run_until(session.world.now);
        assert!(!session.console.tabs()[0].is_running(), "{}", &line[..20.min(line.len())]);
        assert!(session.out.len() < 4 << 20);
        session.out.clear();
    }
    session.out.clear();
    session.answer("kill %1; kill %2");
    assert_eq!(session.answer("echo still here"), "still here\n");
}
