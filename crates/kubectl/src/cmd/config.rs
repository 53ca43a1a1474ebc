//! `kubectl config`
// Models staging/src/k8s.io/kubectl/pkg/cmd/config

use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::printers::wanted;
use crate::tabs::TabWriter;
use crate::text::quote;
use crate::{Config, ConfigCluster, ConfigContext, ConfigUser};
use api::User;

fn wrong_use<T>(cx: &mut Cx) -> Outcome<T> {
    let help = super::help::text(cx.spec);
    cx.err(help);
    error(format!("Unexpected args: [{}]", cx.flags.args.join(" ")))
}

fn no_arguments(cx: &Cx) -> Outcome {
    if cx.flags.args.is_empty() {
        return Ok(());
    }
    usage(cx.spec.path, format!("unexpected arguments: [{}]", cx.flags.args.join(" ")))
}

fn one_argument(cx: &mut Cx) -> Outcome<String> {
    match cx.flags.args.as_slice() {
        [name] => Ok(name.clone()),
        _ => wrong_use(cx),
    }
}

/// Runs `kubectl config view`.
pub(crate) fn view(cx: &mut Cx) -> Outcome<Next> {
    no_arguments(cx)?;
    let config = if cx.flags.is("minify") {
        if cx.config.current().is_none() {
            return error("current-context must exist in order to minify");
        }
        cx.config.minified()
    } else {
        cx.config.clone()
    };
    let text = match wanted(cx, false)? {
        Some(printer) => printer.print(&config.to_value())?,
        None => api::yaml::print(&config.to_value()),
    };
    cx.out(text);
    Ok(Next::Done)
}

/// Runs `kubectl config current-context`.
pub(crate) fn current_context(cx: &mut Cx) -> Outcome<Next> {
    if cx.config.current.is_empty() {
        return error("current-context is not set");
    }
    let name = cx.config.current.clone();
    cx.line(name);
    Ok(Next::Done)
}

/// Runs `kubectl config use-context`.
pub(crate) fn use_context(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    if cx.config.context(&name).is_none() {
        return error(format!("no context exists with the name: {}", quote(&name)));
    }
    cx.config.current.clone_from(&name);
    cx.line(format!("Switched to context {}.", quote(&name)));
    Ok(Next::Done)
}

/// Runs `kubectl config set-context`.
pub(crate) fn set_context(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let name = match (flags.args.as_slice(), flags.is("current")) {
        ([], true) if cx.config.current.is_empty() => return error("no current context is set"),
        ([], true) => cx.config.current.clone(),
        ([name], false) => name.clone(),
        ([_], true) => return error("you cannot specify both a context name and --current"),
        ([], false) => return error("you must specify a non-empty context name or --current"),
        _ => return wrong_use(cx),
    };
    let is_new = cx.config.context(&name).is_none();
    if is_new {
        cx.config.contexts.push(ConfigContext { name: name.clone(), ..ConfigContext::default() });
    }
    if let Some(context) = cx.config.contexts.iter_mut().find(|context| context.name == name) {
        if flags.changed("cluster") {
            context.cluster = flags.text("cluster").to_string();
        }
        if flags.changed("user") {
            context.user = flags.text("user").to_string();
        }
        if flags.changed("namespace") {
            context.namespace = flags.text("namespace").to_string();
        }
    }
    cx.line(format!("Context {} {}.", quote(&name), if is_new { "created" } else { "modified" }));
    Ok(Next::Done)
}

/// Runs `kubectl config get-contexts`.
pub(crate) fn get_contexts(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let mut failures = Vec::new();
    for name in &flags.args {
        if cx.config.context(name).is_none() {
            failures.push(Failure::Error(format!("context {name} not found")));
        }
    }
    let mut contexts: Vec<ConfigContext> = cx
        .config
        .contexts
        .iter()
        .filter(|context| flags.args.is_empty() || flags.args.contains(&context.name))
        .cloned()
        .collect();
    contexts.sort_by(|a, b| a.name.cmp(&b.name));
    let output = flags.text("output");
    if !matches!(output, "" | "name") {
        return error(format!("output must be one of '' or 'name': {output}"));
    }
    let mut writer = TabWriter::tables();
    if output.is_empty() && !flags.is("no-headers") && (failures.is_empty() || !contexts.is_empty()) {
        writer.write("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n");
    }
    for context in contexts {
        if output == "name" {
            writer.write(&format!("{}\n", context.name));
            continue;
        }
        let mark = if context.name == cx.config.current { "*" } else { "" };
        writer.write(&format!(
            "{mark}\t{}\t{}\t{}\t{}\n",
            context.name, context.cluster, context.user, context.namespace
        ));
    }
    cx.out(writer.flush());
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// Runs `kubectl config get-clusters`.
pub(crate) fn get_clusters(cx: &mut Cx) -> Outcome<Next> {
    let names: Vec<String> = cx.config.clusters.iter().map(|cluster| cluster.name.clone()).collect();
    names_only(cx, names)
}

/// Runs `kubectl config get-users`.
pub(crate) fn get_users(cx: &mut Cx) -> Outcome<Next> {
    let names: Vec<String> = cx.config.users.iter().map(|user| user.name.clone()).collect();
    names_only(cx, names)
}

fn names_only(cx: &mut Cx, mut names: Vec<String>) -> Outcome<Next> {
    names.sort();
    cx.line("NAME");
    for name in names {
        cx.line(name);
    }
    Ok(Next::Done)
}

/// Runs `kubectl config set-cluster`.
pub(crate) fn set_cluster(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    let server = cx.flags.text("server").to_string();
    match cx.config.clusters.iter_mut().find(|cluster| cluster.name == name) {
        Some(cluster) if !server.is_empty() => cluster.server = server,
        Some(_) => {}
        None => cx.config.clusters.push(ConfigCluster { name: name.clone(), server }),
    }
    cx.line(format!("Cluster {} set.", quote(&name)));
    Ok(Next::Done)
}

/// Runs `kubectl config set-credentials`. A new user is taken for one of its name.
pub(crate) fn set_credentials(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    if !cx.config.users.iter().any(|user| user.name == name) {
        let user = User::new(&name, &["system:authenticated"]);
        cx.config.users.push(ConfigUser { name: name.clone(), user });
    }
    cx.line(format!("User {} set.", quote(&name)));
    Ok(Next::Done)
}

/// Runs `kubectl config rename-context`.
pub(crate) fn rename_context(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let [old, new] = flags.args.as_slice() else {
        return wrong_use(cx);
    };
    if cx.config.context(old).is_none() {
        return error(format!(
            "cannot rename the context {}, it's not in {}",
            quote(old),
            cx.host.kubeconfig_path()
        ));
    }
    if cx.config.context(new).is_some() {
        return error(format!(
            "cannot rename the context {}, the context {} already exists in {}",
            quote(old),
            quote(new),
            cx.host.kubeconfig_path()
        ));
    }
    for context in &mut cx.config.contexts {
        if context.name == *old {
            context.name.clone_from(new);
        }
    }
    if cx.config.current == *old {
        cx.config.current.clone_from(new);
    }
    cx.line(format!("Context {} renamed to {}.", quote(old), quote(new)));
    Ok(Next::Done)
}

/// Takes out of a list what an argument names.
fn delete<T>(
    cx: &mut Cx,
    what: &str,
    list: fn(&mut Config) -> &mut Vec<T>,
    name_of: fn(&T) -> &str,
) -> Outcome<Next> {
    let name = one_argument(cx)?;
    let file = cx.host.kubeconfig_path();
    let Some(at) = list(cx.config).iter().position(|known| name_of(known) == name) else {
        return error(format!("cannot delete {what} {name}, not in {file}"));
    };
    if what == "context" && cx.config.current == name {
        cx.err("warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n");
    }
    list(cx.config).remove(at);
    cx.line(format!("deleted {what} {name} from {file}"));
    Ok(Next::Done)
}

/// Runs `kubectl config delete-context`.
pub(crate) fn delete_context(cx: &mut Cx) -> Outcome<Next> {
    delete(cx, "context", |config| &mut config.contexts, |context| &context.name)
}

/// Runs `kubectl config delete-cluster`.
pub(crate) fn delete_cluster(cx: &mut Cx) -> Outcome<Next> {
    delete(cx, "cluster", |config| &mut config.clusters, |cluster| &cluster.name)
}

/// Runs `kubectl config delete-user`.
pub(crate) fn delete_user(cx: &mut Cx) -> Outcome<Next> {
    delete(cx, "user", |config| &mut config.users, |user| &user.name)
}

/// Runs `kubectl config unset`, of what is known here.
// Models staging/src/k8s.io/kubectl/pkg/cmd/config/unset.go
pub(crate) fn unset(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["current-context"] => cx.config.current.clear(),
        ["contexts", context] => cx.config.contexts.retain(|known| known.name != *context),
        ["contexts", context, "namespace"] => {
            for known in cx.config.contexts.iter_mut().filter(|known| known.name == *context) {
                known.namespace.clear();
            }
        }
        ["clusters", cluster] => cx.config.clusters.retain(|known| known.name != *cluster),
        ["users", user] => cx.config.users.retain(|known| known.name != *user),
        _ => return error(format!("unable to locate path {}", quote(&name))),
    }
    cx.line(format!("Property {} unset.", quote(&name)));
    Ok(Next::Done)
}
