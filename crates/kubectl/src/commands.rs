//! The table of commands.

use crate::cmd;
use crate::cx::{Cx, Next};
use crate::failure::Outcome;

/// One command.
pub(crate) struct Spec {
    /// Its words: `get`, `create deployment`; empty for kubectl itself.
    pub path: &'static str,
    /// Other names of its last word.
    pub aliases: &'static [&'static str],
    /// What follows `kubectl` in its usage line.
    pub usage: &'static str,
    /// The flags that have to be given.
    pub required: &'static [&'static str],
    /// What it does.
    pub run: fn(&mut Cx) -> Outcome<Next>,
}

macro_rules! table {
    ($($path:literal [$($alias:literal)*] $usage:literal [$($required:literal)*] $run:path;)*) => {
        /// The commands, in the order in which `kubectl help` lists them.
        pub(crate) static COMMANDS: &[Spec] = &[$(
            Spec { path: $path, aliases: &[$($alias),*], usage: $usage, required: &[$($required),*], run: $run },
        )*];
    };
}

table! {
    "" [] "[flags] [options]" [] cmd::help::run;
    "create" [] "create -f FILENAME [options]" [] cmd::create::from_files;
    "create clusterrole" [] "create clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none] [options]" [] cmd::create::rbac::cluster_role;
    "create clusterrolebinding" [] "create clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]" ["clusterrole"] cmd::create::rbac::cluster_role_binding;
    "create configmap" ["cm"] "create configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]" [] cmd::create::config::config_map;
    "create cronjob" ["cj"] "create cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags] [options]" ["image" "schedule"] cmd::create::batch::cron_job;
    "create deployment" ["deploy"] "create deployment NAME --image=image -- [COMMAND] [args...] [options]" ["image"] cmd::create::deployment::deployment;
    "create ingress" ["ing"] "create ingress NAME --rule=host/path=service:port[,tls[=secret]]  [options]" [] cmd::create::ingress::ingress;
    "create job" [] "create job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...] [options]" [] cmd::create::batch::job;
    "create namespace" ["ns"] "create namespace NAME [--dry-run=server|client|none] [options]" [] cmd::create::simple::namespace;
    "create poddisruptionbudget" ["pdb"] "create poddisruptionbudget NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none] [options]" [] cmd::create::policy::disruption_budget;
    "create priorityclass" ["pc"] "create priorityclass NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none] [options]" [] cmd::create::policy::priority_class;
    "create quota" ["resourcequota"] "create quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none] [options]" [] cmd::create::policy::quota;
    "create role" [] "create role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none] [options]" [] cmd::create::rbac::role;
    "create rolebinding" [] "create rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]" [] cmd::create::rbac::role_binding;
    "create secret" [] "create secret (docker-registry | generic | tls) [options]" [] cmd::help::group;
    "create secret docker-registry" [] "create secret docker-registry NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none] [options]" [] cmd::create::secret::docker_registry;
    "create secret generic" [] "create secret generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]" [] cmd::create::secret::generic;
    "create secret tls" [] "create secret tls NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none] [options]" [] cmd::create::secret::tls;
    "create service" ["svc"] "create service [flags] [options]" [] cmd::help::group;
    "create service clusterip" [] "create service clusterip NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none] [options]" [] cmd::create::service::cluster_ip;
    "create service externalname" [] "create service externalname NAME --external-name external.name [--dry-run=server|client|none] [options]" ["external-name"] cmd::create::service::external_name;
    "create service loadbalancer" [] "create service loadbalancer NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]" [] cmd::create::service::load_balancer;
    "create service nodeport" [] "create service nodeport NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]" [] cmd::create::service::node_port;
    "create serviceaccount" ["sa"] "create serviceaccount NAME [--dry-run=server|client|none] [options]" [] cmd::create::simple::service_account;
    "create token" [] "create token SERVICE_ACCOUNT_NAME [options]" [] cmd::create::simple::token;
    "expose" [] "expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type] [options]" [] cmd::expose::run;
    "run" [] "run NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...] [options]" ["image"] cmd::run::run;
    "set" [] "set SUBCOMMAND [options]" [] cmd::help::group;
    "set env" [] "set env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N [options]" [] cmd::set::env::run;
    "set image" [] "set image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N [options]" [] cmd::set::image::run;
    "set resources" [] "set resources (-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS] [options]" [] cmd::set::resources::run;
    "set selector" [] "set selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version] [options]" [] cmd::set::selector::run;
    "set serviceaccount" ["sa"] "set serviceaccount (-f FILENAME | TYPE NAME) SERVICE_ACCOUNT [options]" [] cmd::set::subject::service_account;
    "set subject" [] "set subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]" [] cmd::set::subject::run;
    "explain" [] "explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2] [options]" [] cmd::explain::run;
    "get" [] "get [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]" [] cmd::get::run;
    "edit" [] "edit (RESOURCE/NAME | -f FILENAME) [options]" [] cmd::edit::run;
    "delete" [] "delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]" [] cmd::delete::run;
    "rollout" [] "rollout SUBCOMMAND [options]" [] cmd::help::group;
    "rollout history" [] "rollout history (TYPE NAME | TYPE/NAME) [flags] [options]" [] cmd::rollout::history::run;
    "rollout pause" [] "rollout pause RESOURCE [options]" [] cmd::rollout::pause::pause;
    "rollout restart" [] "rollout restart RESOURCE [options]" [] cmd::rollout::pause::restart;
    "rollout resume" [] "rollout resume RESOURCE [options]" [] cmd::rollout::pause::resume;
    "rollout status" [] "rollout status (TYPE NAME | TYPE/NAME) [flags] [options]" [] cmd::rollout::status::run;
    "rollout undo" [] "rollout undo (TYPE NAME | TYPE/NAME) [flags] [options]" [] cmd::rollout::undo::run;
    "scale" [] "scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME) [options]" ["replicas"] cmd::scale::run;
    "autoscale" [] "autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY] [options]" ["max"] cmd::autoscale::run;
    "certificate" [] "certificate SUBCOMMAND [options]" [] cmd::help::group;
    "certificate approve" [] "certificate approve (-f FILENAME | NAME) [options]" [] cmd::certificate::approve;
    "certificate deny" [] "certificate deny (-f FILENAME | NAME) [options]" [] cmd::certificate::deny;
    "cluster-info" [] "cluster-info [flags] [options]" [] cmd::cluster_info::run;
    "cluster-info dump" [] "cluster-info dump [flags] [options]" [] cmd::cluster_info::dump::run;
    "top" [] "top [flags] [options]" [] cmd::help::group;
    "top node" ["nodes" "no"] "top node [NAME | -l label] [options]" [] cmd::top::run;
    "top pod" ["pods" "po"] "top pod [NAME | -l label] [options]" [] cmd::top::run;
    "cordon" [] "cordon NODE [options]" [] cmd::drain::cordon;
    "uncordon" [] "uncordon NODE [options]" [] cmd::drain::uncordon;
    "drain" [] "drain NODE [options]" [] cmd::drain::run;
    "taint" [] "taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]" [] cmd::taint::run;
    "describe" [] "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [options]" [] cmd::describe::run;
    "logs" [] "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] [options]" [] cmd::logs::run;
    "attach" [] "attach (POD | TYPE/NAME) -c CONTAINER [options]" [] cmd::exec::attach;
    "exec" [] "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...] [options]" [] cmd::exec::run;
    "port-forward" [] "port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]" [] cmd::port_forward::run;
    "proxy" [] "proxy [--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix] [options]" [] cmd::proxy::run;
    "cp" [] "cp <file-spec-src> <file-spec-dest> [options]" [] cmd::cp::run;
    "auth" [] "auth [flags] [options]" [] cmd::help::group;
    "auth can-i" [] "auth can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL] [options]" [] cmd::auth::can_i;
    "auth reconcile" [] "auth reconcile -f FILENAME [options]" [] cmd::auth::reconcile::run;
    "auth whoami" [] "auth whoami [options]" [] cmd::auth::who_am_i;
    "debug" [] "debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]" [] cmd::debug::run;
    "events" [] "events [(-o|--output=)json|yaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning] [options]" [] cmd::events::run;
    "diff" [] "diff -f FILENAME [options]" [] cmd::diff::run;
    "apply" [] "apply (-f FILENAME | -k DIRECTORY) [options]" [] cmd::apply::run;
    "apply edit-last-applied" [] "apply edit-last-applied (RESOURCE/NAME | -f FILENAME) [options]" [] cmd::edit::last_applied;
    "apply set-last-applied" [] "apply set-last-applied -f FILENAME [options]" [] cmd::apply::last_applied::set;
    "apply view-last-applied" [] "apply view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME) [options]" [] cmd::apply::last_applied::view;
    "patch" [] "patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]" [] cmd::patch::run;
    "replace" [] "replace -f FILENAME [options]" [] cmd::replace::run;
    "wait" [] "wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]" [] cmd::wait::run;
    "kustomize" [] "kustomize DIR [flags] [options]" [] cmd::kustomize::run;
    "label" [] "label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]" [] cmd::label::run;
    "annotate" [] "annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]" [] cmd::annotate::run;
    "completion" [] "completion SHELL [options]" [] cmd::completion::run;
    "api-resources" [] "api-resources [flags] [options]" [] cmd::api_resources::resources;
    "api-versions" [] "api-versions [options]" [] cmd::api_resources::versions;
    "config" [] "config SUBCOMMAND [options]" [] cmd::help::group;
    "config current-context" [] "config current-context [flags] [options]" [] cmd::config::current_context;
    "config delete-cluster" [] "config delete-cluster NAME [options]" [] cmd::config::delete_cluster;
    "config delete-context" [] "config delete-context NAME [options]" [] cmd::config::delete_context;
    "config delete-user" [] "config delete-user NAME [options]" [] cmd::config::delete_user;
    "config get-clusters" [] "config get-clusters [flags] [options]" [] cmd::config::get_clusters;
    "config get-contexts" [] "config get-contexts [(-o|--output=)name)] [options]" [] cmd::config::get_contexts;
    "config get-users" [] "config get-users [flags] [options]" [] cmd::config::get_users;
    "config rename-context" [] "config rename-context CONTEXT_NAME NEW_NAME [options]" [] cmd::config::rename_context;
    "config set" [] "config set PROPERTY_NAME PROPERTY_VALUE [options]" [] cmd::config::set;
    "config set-cluster" [] "config set-cluster NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com] [options]" [] cmd::config::set_cluster;
    "config set-context" [] "config set-context [NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace] [options]" [] cmd::config::set_context;
    "config set-credentials" [] "config set-credentials NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password] [--auth-provider=provider_name] [--auth-provider-arg=key=value] [--exec-command=exec_command] [--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value] [options]" [] cmd::config::set_credentials;
    "config unset" [] "config unset PROPERTY_NAME [options]" [] cmd::config::unset;
    "config use-context" ["use"] "config use-context CONTEXT_NAME [options]" [] cmd::config::use_context;
    "config view" [] "config view [flags] [options]" [] cmd::config::view;
    "plugin" [] "plugin [flags] [options]" [] cmd::help::group;
    "plugin list" [] "plugin list [flags] [options]" [] cmd::plugin::list;
    "alpha" [] "alpha [options]" [] cmd::plugin::alpha;
    "version" [] "version [flags] [options]" [] cmd::version::run;
    "options" [] "options" [] cmd::help::options;
    "help" [] "help [command] | STRING_TO_SEARCH" [] cmd::help::help;
}

/// Returns the command with these words.
pub(crate) fn find(path: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.path == path)
}

/// Returns the commands right below one.
pub(crate) fn below(path: &str) -> impl Iterator<Item = &'static Spec> {
    COMMANDS.iter().filter(move |spec| {
        let rest = if path.is_empty() {
            Some(spec.path)
        } else {
            spec.path.strip_prefix(path).and_then(|rest| rest.strip_prefix(' '))
        };
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(' '))
    })
}

impl Spec {
    /// Returns the last of its words.
    pub fn name(&self) -> &'static str {
        self.path.rsplit(' ').next().unwrap_or("")
    }

    /// Returns the command right below this one that a word means.
    pub fn child(&self, word: &str) -> Option<&'static Spec> {
        below(self.path).find(|spec| spec.name() == word || spec.aliases.contains(&word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages_begin_with_the_path_and_flags_name_commands() {
        for spec in COMMANDS {
            assert!(spec.usage.starts_with(spec.path), "{}", spec.path);
            for required in spec.required {
                assert!(crate::flags::of(spec.path).iter().any(|flag| flag.name == *required));
            }
        }
        for flag in crate::flags::FLAGS {
            for command in flag.commands.split(' ').filter(|group| !group.starts_with(['@', '*'])) {
                assert!(find(&command.replace('.', " ")).is_some(), "{command}");
            }
        }
        assert_eq!(below("create service").count(), 4);
        assert!(find("create").and_then(|spec| spec.child("cm")).is_some());
    }
}
