//! What each command does, in kubectl's own words.
// Models the Short and Long of staging/src/k8s.io/kubectl/pkg/cmd

/// Commands, what their parent says of each, and how their own help begins where that is something else.
#[rustfmt::skip]
const ABOUT: &[(&str, &str, &str)] = &[
    ("", "kubectl controls the Kubernetes cluster manager", ""),
    ("create", "Create a resource from a file or from stdin", ""),
    ("create clusterrole", "Create a cluster role", ""),
    ("create clusterrolebinding", "Create a cluster role binding for a particular cluster role", ""),
    ("create configmap", "Create a config map from a local file, directory or literal value", "Create a config map based on a file, directory, or specified literal value."),
    ("create cronjob", "Create a cron job with the specified name", ""),
    ("create deployment", "Create a deployment with the specified name", ""),
    ("create ingress", "Create an ingress with the specified name", ""),
    ("create job", "Create a job with the specified name", ""),
    ("create namespace", "Create a namespace with the specified name", ""),
    ("create poddisruptionbudget", "Create a pod disruption budget with the specified name", "Create a pod disruption budget with the specified name, selector, and desired minimum available pods."),
    ("create priorityclass", "Create a priority class with the specified name", "Create a priority class with the specified name, value, globalDefault and description."),
    ("create quota", "Create a quota with the specified name", "Create a resource quota with the specified name, hard limits, and optional scopes."),
    ("create role", "Create a role with single rule", ""),
    ("create rolebinding", "Create a role binding for a particular role or cluster role", ""),
    ("create secret", "Create a secret using a specified subcommand", "Create a secret with specified type."),
    ("create secret docker-registry", "Create a secret for use with a Docker registry", "Create a new secret for use with Docker registries."),
    ("create secret generic", "Create a secret from a local file, directory, or literal value", "Create a secret based on a file, directory, or specified literal value."),
    ("create secret tls", "Create a TLS secret", "Create a TLS secret from the given public/private key pair."),
    ("create service", "Create a service using a specified subcommand", ""),
    ("create service clusterip", "Create a ClusterIP service", "Create a ClusterIP service with the specified name."),
    ("create service externalname", "Create an ExternalName service", "Create an ExternalName service with the specified name."),
    ("create service loadbalancer", "Create a LoadBalancer service", "Create a LoadBalancer service with the specified name."),
    ("create service nodeport", "Create a NodePort service", "Create a NodePort service with the specified name."),
    ("create serviceaccount", "Create a service account with the specified name", ""),
    ("create token", "Request a service account token", ""),
    ("expose", "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service", "Expose a resource as a new Kubernetes service."),
    ("run", "Run a particular image on the cluster", "Create and run a particular image in a pod."),
    ("set", "Set specific features on objects", "Configure application resources."),
    ("set env", "Update environment variables on a pod template", ""),
    ("set image", "Update the image of a pod template", "Update existing container image(s) of resources."),
    ("set resources", "Update resource requests/limits on objects with pod templates", "Specify compute resource requirements (CPU, memory) for any resource that defines a pod template.  If a pod is successfully scheduled, it is guaranteed the amount of resource requested, but may burst up to its specified limits."),
    ("set selector", "Set the selector on a resource", "Set the selector on a resource. Note that the new selector will overwrite the old selector if the resource had one prior to the invocation of 'set selector'."),
    ("set serviceaccount", "Update the service account of a resource", "Update the service account of pod template resources."),
    ("set subject", "Update the user, group, or service account in a role binding or cluster role binding", ""),
    ("explain", "Get documentation for a resource", "Describe fields and structure of various resources."),
    ("get", "Display one or many resources", ""),
    ("edit", "Edit a resource on the server", "Edit a resource from the default editor."),
    ("delete", "Delete resources by file names, stdin, resources and names, or by resources and label selector", ""),
    ("rollout", "Manage the rollout of a resource", "Manage the rollout of one or many resources."),
    ("rollout history", "View rollout history", "View previous rollout revisions and configurations."),
    ("rollout pause", "Mark the provided resource as paused", ""),
    ("rollout restart", "Restart a resource", ""),
    ("rollout resume", "Resume a paused resource", ""),
    ("rollout status", "Show the status of the rollout", ""),
    ("rollout undo", "Undo a previous rollout", "Roll back to a previous rollout."),
    ("scale", "Set a new size for a deployment, replica set, or replication controller", "Set a new size for a deployment, replica set, replication controller, or stateful set."),
    ("autoscale", "Auto-scale a deployment, replica set, stateful set, or replication controller", "Creates an autoscaler that automatically chooses and sets the number of pods that run in a Kubernetes cluster."),
    ("certificate", "Modify certificate resources", ""),
    ("certificate approve", "Approve a certificate signing request", ""),
    ("certificate deny", "Deny a certificate signing request", ""),
    ("cluster-info", "Display cluster information", "Display addresses of the control plane and services with label kubernetes.io/cluster-service=true. To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'."),
    ("cluster-info dump", "Dump relevant information for debugging and diagnosis", "Dump cluster information out suitable for debugging and diagnosing cluster problems.  By default, dumps everything to stdout. You can optionally specify a directory with --output-directory.  If you specify a directory, Kubernetes will build a set of files in that directory.  By default, only dumps things in the current namespace and 'kube-system' namespace, but you can switch to a different namespace with the --namespaces flag, or specify --all-namespaces to dump all namespaces."),
    ("top", "Display resource (CPU/memory) usage", ""),
    ("top node", "Display resource (CPU/memory) usage of nodes", ""),
    ("top pod", "Display resource (CPU/memory) usage of pods", ""),
    ("cordon", "Mark node as unschedulable", ""),
    ("uncordon", "Mark node as schedulable", ""),
    ("drain", "Drain node in preparation for maintenance", ""),
    ("taint", "Update the taints on one or more nodes", ""),
    ("describe", "Show details of a specific resource or group of resources", ""),
    ("logs", "Print the logs for a container in a pod", "Print the logs for a container in a pod or specified resource. If the pod has only one container, the container name is optional."),
    ("attach", "Attach to a running container", "Attach to a process that is already running inside an existing container."),
    ("exec", "Execute a command in a container", ""),
    ("port-forward", "Forward one or more local ports to a pod", ""),
    ("proxy", "Run a proxy to the Kubernetes API server", "Creates a proxy server or application-level gateway between localhost and the Kubernetes API server. It also allows serving static content over specified HTTP path. All incoming data enters through one port and gets forwarded to the remote Kubernetes API server port, except for the path matching the static content path."),
    ("cp", "Copy files and directories to and from containers", ""),
    ("auth", "Inspect authorization", ""),
    ("auth can-i", "Check whether an action is allowed", ""),
    ("auth reconcile", "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects", ""),
    ("auth whoami", "Experimental: Check self subject attributes", "Experimental: Check who you are and your attributes (groups, extra)."),
    ("debug", "Create debugging sessions for troubleshooting workloads and nodes", "Debug cluster resources using interactive debugging containers."),
    ("events", "List events", "Display events."),
    ("diff", "Diff the live version against a would-be applied version", "Diff configurations specified by file name or stdin between the current online configuration, and the configuration as it would be if applied."),
    ("apply", "Apply a configuration to a resource by file name or stdin", "Apply a configuration to a resource by file name or stdin. The resource name must be specified. This resource will be created if it doesn't exist yet. To use 'apply', always create the resource initially with either 'apply' or 'create --save-config'."),
    ("apply edit-last-applied", "Edit latest last-applied-configuration annotations of a resource/object", "Edit the latest last-applied-configuration annotations of resources from the default editor."),
    ("apply set-last-applied", "Set the last-applied-configuration annotation on a live object to match the contents of a file", "Set the latest last-applied-configuration annotations by setting it to match the contents of a file. This results in the last-applied-configuration being updated as though 'kubectl apply -f<file> ' was run, without updating any other parts of the object."),
    ("apply view-last-applied", "View the latest last-applied-configuration annotations of a resource/object", "View the latest last-applied-configuration annotations by type/name or file."),
    ("patch", "Update fields of a resource", "Update fields of a resource using strategic merge patch, a JSON merge patch, or a JSON patch."),
    ("replace", "Replace a resource by file name or stdin", ""),
    ("wait", "Experimental: Wait for a specific condition on one or many resources", ""),
    ("kustomize", "Build a kustomization target from a directory or URL", "Build a set of KRM resources using a 'kustomization.yaml' file. The DIR argument must be a path to a directory containing 'kustomization.yaml', or a git repository URL with a path suffix specifying same with respect to the repository root. If DIR is omitted, '.' is assumed."),
    ("label", "Update the labels on a resource", ""),
    ("annotate", "Update the annotations on a resource", "Update the annotations on one or more resources."),
    ("completion", "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)", "Output shell completion code for the specified shell (bash, zsh, fish, or powershell). The shell code must be evaluated to provide interactive completion of kubectl commands.  This can be done by sourcing it from the .bash_profile."),
    ("api-resources", "Print the supported API resources on the server", ""),
    ("api-versions", "Print the supported API versions on the server, in the form of \"group/version\"", ""),
    ("config", "Modify kubeconfig files", "Modify kubeconfig files using subcommands like \"kubectl config set current-context my-context\"."),
    ("config current-context", "Display the current-context", ""),
    ("config delete-cluster", "Delete the specified cluster from the kubeconfig", ""),
    ("config delete-context", "Delete the specified context from the kubeconfig", ""),
    ("config delete-user", "Delete the specified user from the kubeconfig", ""),
    ("config get-clusters", "Display clusters defined in the kubeconfig", ""),
    ("config get-contexts", "Describe one or many contexts", "Display one or many contexts from the kubeconfig file."),
    ("config get-users", "Display users defined in the kubeconfig", ""),
    ("config rename-context", "Rename a context from the kubeconfig file", "Renames a context from the kubeconfig file."),
    ("config set", "Set an individual value in a kubeconfig file", ""),
    ("config set-cluster", "Set a cluster entry in kubeconfig", ""),
    ("config set-context", "Set a context entry in kubeconfig", ""),
    ("config set-credentials", "Set a user entry in kubeconfig", ""),
    ("config unset", "Unset an individual value in a kubeconfig file", ""),
    ("config use-context", "Set the current-context in a kubeconfig file", ""),
    ("config view", "Display merged kubeconfig settings or a specified kubeconfig file", ""),
    ("alpha", "Commands for features in alpha", ""),
    ("plugin", "Provides utilities for interacting with plugins", ""),
    ("plugin list", "List all visible plugin executables on a user's PATH", "List all available plugin files on a user's PATH. To see plugins binary names without the full path use --name-only flag."),
    ("version", "Print the client and server version information", "Print the client and server version information for the current context."),
    ("options", "Print the list of flags inherited by all commands", ""),
    ("help", "Help about any command", ""),
];

/// Returns what a command does.
pub(super) fn about(path: &str) -> &'static str {
    ABOUT.iter().find(|(known, ..)| *known == path).map_or("", |(_, about, _)| about)
}

/// Returns the first line of a command's help.
pub(super) fn first_line(path: &str) -> String {
    match ABOUT.iter().find(|(known, ..)| *known == path) {
        Some((_, about, "")) => format!("{about}."),
        Some((_, _, first)) => (*first).to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_every_command() {
        for spec in crate::commands::COMMANDS {
            assert!(!about(spec.path).is_empty(), "{}", spec.path);
        }
        for (path, ..) in ABOUT {
            assert!(crate::commands::find(path).is_some(), "{path}");
        }
    }
}
