//! `kubectl config`
// Models staging/src/k8s.io/kubectl/pkg/cmd/config

use crate::config::Settings;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::printers::wanted;
use crate::tabs::TabWriter;
use crate::text::quote;
use crate::{Config, ConfigCluster, ConfigContext, ConfigUser};
use api::User;
use api::x509::Certificate;

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
    let mut config = cx.config.clone();
    if cx.flags.is("minify") {
        let context = cx.flags.text("context");
        if !context.is_empty() {
            config.current = context.to_string();
        }
        if config.current.is_empty() {
            return error("current-context must exist in order to minify");
        }
        if config.current().is_none() {
            return error(format!("cannot locate context {}", config.current));
        }
        config = config.minified();
    }
    let shown = config.to_value(cx.flags.is("raw"));
    let text = match wanted(cx, false)? {
        Some(printer) => printer.print(&shown)?,
        None => api::yaml::print(&shown),
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
        return error(format!(
            "--output {output} is not available in kubectl config get-contexts; resetting to default output format"
        ));
    }
    let mut writer = TabWriter::tables();
    if output.is_empty() && !flags.is("no-headers") {
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

/// The fields of a cluster that flags set, with whether they name a file.
const CLUSTER_FIELDS: &[&str] =
    &["certificate-authority", "insecure-skip-tls-verify", "proxy-url", "tls-server-name"];
/// The fields of a user that flags set.
const USER_FIELDS: &[&str] = &["client-certificate", "client-key", "token", "username", "password"];

/// Reads the flags that are fields, files with what is in them where `--embed-certs` asks for that.
fn settings(cx: &mut Cx, fields: &[&str]) -> Outcome<Settings> {
    let flags = cx.args();
    let mut settings = Settings::new();
    for field in fields.iter().filter(|field| flags.changed(field)) {
        let text = flags.text(field);
        let is_file = matches!(*field, "certificate-authority" | "client-certificate" | "client-key");
        if is_file && flags.is("embed-certs") {
            let content = match cx.host.read_file(text) {
                Ok(content) => content,
                Err(why) => return error(format!("could not stat {field} file {text}: stat {text}: {why}")),
            };
            settings.insert(format!("{field}-data"), crate::text::base64(content.as_bytes()));
        } else {
            let text = if is_file { cx.host.absolute(text) } else { text.to_string() };
            settings.insert((*field).to_string(), text);
        }
    }
    Ok(settings)
}

/// Puts new settings over old ones; a file takes the place of data and the other way about.
fn merge(old: &mut Settings, new: Settings) {
    for (field, text) in new {
        let other = field.strip_suffix("-data").map_or(format!("{field}-data"), str::to_string);
        old.remove(&other);
        old.insert(field, text);
    }
}

/// Runs `kubectl config set-cluster`.
pub(crate) fn set_cluster(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    let flags = cx.args();
    if flags.is("insecure-skip-tls-verify") && !flags.text("certificate-authority").is_empty() {
        return error("you cannot specify a certificate authority and insecure mode at the same time");
    }
    let settings = settings(cx, CLUSTER_FIELDS)?;
    let server = flags.text("server").trim_end_matches('/').to_string();
    if !cx.config.clusters.iter().any(|cluster| cluster.name == name) {
        cx.config.clusters.push(ConfigCluster { name: name.clone(), ..ConfigCluster::default() });
    }
    for cluster in cx.config.clusters.iter_mut().filter(|cluster| cluster.name == name) {
        if flags.changed("server") {
            cluster.server.clone_from(&server);
        }
        merge(&mut cluster.settings, settings.clone());
    }
    cx.line(format!("Cluster {} set.", quote(&name)));
    Ok(Next::Done)
}

/// Runs `kubectl config set-credentials`. A token is taken for whom the API server says, a certificate for whom it
/// names; any other new user for one of its name.
pub(crate) fn set_credentials(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    let flags = cx.args();
    let token = flags.text("token").to_string();
    let has_basic = !flags.text("username").is_empty() || !flags.text("password").is_empty();
    if !token.is_empty() && has_basic {
        return error(
            "you cannot specify more than one authentication method at the same time: --token, --username/--password",
        );
    }
    let settings = settings(cx, USER_FIELDS)?;
    let mut found = if token.is_empty() { None } else { cx.user_of_token(&token) };
    let certificate = flags.text("client-certificate");
    if !certificate.is_empty() {
        let text = cx.host.read_file(certificate).ok();
        found = text.and_then(|text| user_of_certificate(&text));
    }
    if !cx.config.users.iter().any(|user| user.name == name) {
        let user = User::new(&name, &["system:authenticated"]);
        cx.config.users.push(ConfigUser { name: name.clone(), user, settings: Settings::new() });
    }
    for user in cx.config.users.iter_mut().filter(|user| user.name == name) {
        if let Some(found) = &found {
            user.user = found.clone();
        }
        if settings.contains_key("token") || settings.contains_key("username") {
            // One way of logging in takes the place of another.
            user.settings.retain(|field, _| !matches!(field.as_str(), "token" | "username" | "password"));
        }
        merge(&mut user.settings, settings.clone());
    }
    cx.line(format!("User {} set.", quote(&name)));
    Ok(Next::Done)
}

/// Returns whom a certificate shows its holder to be: the common name is the user, the organisations are the groups.
// Models staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go CommonNameUserConversion
pub(crate) fn user_of_certificate(text: &str) -> Option<User> {
    let subject = Certificate::parse(text).ok()?.subject;
    let mut groups = subject.organizations();
    groups.push("system:authenticated");
    Some(User::new(subject.common_name(), &groups))
}

/// Runs `kubectl config set`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/config/set.go
pub(crate) fn set(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let [name, value] = flags.args.as_slice() else {
        return wrong_use(cx);
    };
    if !change(cx.config, name, Some(value)) {
        return error(format!("unable to parse {name} after [] at api.Config"));
    }
    cx.line(format!("Property {} set.", quote(name)));
    Ok(Next::Done)
}

/// Sets what a dotted path leads to, or takes it away. Returns whether there is such a path.
// Models staging/src/k8s.io/kubectl/pkg/cmd/config/navigation_step_parser.go
fn change(config: &mut Config, path: &str, value: Option<&str>) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let (list, name, field) = match parts.as_slice() {
        ["current-context"] => {
            config.current = value.unwrap_or("").to_string();
            return true;
        }
        ["preferences" | "preferences.colors" | "kind" | "apiVersion"] => return true,
        [list @ ("contexts" | "clusters" | "users"), name] if value.is_none() => (*list, *name, None),
        [list @ ("contexts" | "clusters" | "users"), name, field @ ..] if !field.is_empty() => {
            (*list, *name, Some(field.join(".")))
        }
        _ => return false,
    };
    let text = || value.unwrap_or("").to_string();
    let keep = |settings: &mut Settings, field: String| match value {
        Some(value) => drop(settings.insert(field, value.to_string())),
        None => drop(settings.remove(&field)),
    };
    match (list, field) {
        ("contexts", None) => config.contexts.retain(|known| known.name != name),
        ("clusters", None) => config.clusters.retain(|known| known.name != name),
        (_, None) => config.users.retain(|known| known.name != name),
        ("contexts", Some(field)) => {
            if value.is_some() && config.context(name).is_none() {
                config.contexts.push(ConfigContext { name: name.to_string(), ..ConfigContext::default() });
            }
            for known in config.contexts.iter_mut().filter(|known| known.name == name) {
                match field.as_str() {
                    "namespace" => known.namespace = text(),
                    "cluster" => known.cluster = text(),
                    "user" => known.user = text(),
                    _ => return false,
                }
            }
        }
        ("clusters", Some(field)) => {
            if value.is_some() && !config.clusters.iter().any(|known| known.name == name) {
                config.clusters.push(ConfigCluster { name: name.to_string(), ..ConfigCluster::default() });
            }
            for known in config.clusters.iter_mut().filter(|known| known.name == name) {
                match field.as_str() {
                    "server" => known.server = text(),
                    _ => keep(&mut known.settings, field.clone()),
                }
            }
        }
        (_, Some(field)) => {
            if value.is_some() && !config.users.iter().any(|known| known.name == name) {
                let user = User::new(name, &["system:authenticated"]);
                config.users.push(ConfigUser { name: name.to_string(), user, settings: Settings::new() });
            }
            for known in config.users.iter_mut().filter(|known| known.name == name) {
                keep(&mut known.settings, field.clone());
            }
        }
    }
    true
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
    let flags = cx.args();
    let [name] = flags.args.as_slice() else {
        let help = super::help::text(cx.spec);
        cx.out(help);
        return Ok(Next::Done);
    };
    let (name, file) = (name.clone(), cx.host.kubeconfig_path());
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

/// Runs `kubectl config unset`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/config/unset.go
pub(crate) fn unset(cx: &mut Cx) -> Outcome<Next> {
    let name = one_argument(cx)?;
    if !change(cx.config, &name, None) {
        return error(format!("unable to parse {name} after [] at api.Config"));
    }
    cx.line(format!("Property {} unset.", quote(&name)));
    Ok(Next::Done)
}
