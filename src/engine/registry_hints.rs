//! Hints for what a registry, or the way to it, refuses: what the user can do, guessed from what the CLI printed.

use super::hints::{self, Fault};

/// The name of docker's own registry.
const DOCKER_HUB: &str = "docker.io";

/// The first one that fits counts. The words are those of docker 20.10 to 29, of podman 4 and 5, and of the registries of
/// docker, GitLab, GitHub, Google, Amazon and Azure. In the cure, `{registry}` stands for the host of the registry.
const FAULTS: [Fault; 13] = [
    // The engine itself is not there: that is not the registry's matter.
    Fault {
        words: &[
            &["cannot connect to the docker daemon"],
            &["failed to connect to the docker api"],
            &["cannot connect to podman"],
            &["unable to connect to podman"],
        ],
        cure: "start the engine (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs; `{engine} info` \
               must work",
    },
    Fault {
        words: &[&["error during connect"]],
        cure: "the connection to the engine ended: it may have been stopped or started anew; `{engine} info` must work",
    },
    Fault {
        words: &[&["http response to https client"]],
        cure: "{registry} speaks http, and the engine wants https: have it speak https, or name it in \
               `insecure-registries` of /etc/docker/daemon.json and start the engine anew (podman: `insecure = true` in \
               /etc/containers/registries.conf)",
    },
    Fault {
        words: &[&["x509:"], &["tls: "], &["certificate signed by unknown authority"]],
        cure: "the engine does not trust {registry}: put its certificate into /etc/docker/certs.d/{registry}/ca.crt \
               (podman: /etc/containers/certs.d/{registry}/ca.crt) on the engine's machine",
    },
    // A registry does not say whether there is an image that one may not see.
    Fault {
        words: &[&["pull access denied"], &["manifest unknown"], &["manifest for ", "not found"]],
        cure: "see that {registry} has an image of this name and tag; if it has, log in (`{engine} login {registry}`)",
    },
    Fault {
        words: &[
            &["no basic auth credentials"],
            &["authentication required"],
            &["unauthorized"],
            &["invalid username/password"],
            &["incorrect username or password"],
        ],
        cure: "log in: `{engine} login {registry}`",
    },
    Fault {
        words: &[&["repository", "does not exist"], &["name unknown"], &["name_unknown"], &["project", "not found"]],
        cure: "{registry} has no such repository and makes none by itself: make it there first, or correct the name",
    },
    Fault {
        words: &[&["denied"], &["insufficient_scope"], &["403 forbidden"]],
        cure: "log in as a user who may do this (`{engine} login {registry}`), and see that the name is right",
    },
    Fault {
        words: &[&["toomanyrequests"], &["too many requests"]],
        cure: "{registry} wants fewer requests: wait, or log in (`{engine} login {registry}`), which often raises the limit",
    },
    Fault {
        words: &[&["request entity too large"], &["413 "]],
        cure: "a proxy before {registry} does not let a layer of this size through: raise its limit (nginx: \
               `client_max_body_size 0`)",
    },
    Fault {
        words: &[&["unsupported: the operation is unsupported"], &["405 method not allowed"]],
        cure: "{registry} takes no pushes: it is a mirror, or only to be read; push to another one",
    },
    Fault {
        words: &[
            &["connection refused"],
            &["no such host"],
            &["i/o timeout"],
            &["no route to host"],
            &["network is unreachable"],
            &["context deadline exceeded"],
            &["request canceled while waiting for connection"],
            &["client.timeout exceeded"],
            &["server misbehaving"],
        ],
        cure: "the engine does not reach {registry}: see that the name and the port are right, that it runs, and that the \
               engine's proxy settings fit (`{engine} info`)",
    },
    Fault {
        words: &[
            &["connection reset by peer"],
            &["broken pipe"],
            &["eof"],
            &["use of closed network connection"],
            &["500 internal server error"],
            &["502 bad gateway"],
            &["503 service unavailable"],
            &["504 gateway"],
            &["blob upload unknown"],
            &["blob unknown"],
            &["blob upload invalid"],
        ],
        cure: "{registry} went away before it had everything, or has no space left: its log says more",
    },
];

/// The hint for a push of `tag` that the CLI `engine` described in `stderr`.
pub fn for_push(stderr: &str, engine: &str, tag: &str, registry: &str) -> String {
    let again = format!("`{engine} push {tag}` tries again");
    if registry == DOCKER_HUB && !tag.contains('/') && stderr.contains("denied") {
        return format!(
            "`{tag}` names no registry, so it goes to docker's own, as an official image: give it the name of a registry \
             or of your account there, such as `ACCOUNT/{tag}`"
        );
    }
    match cure(stderr, engine, registry) {
        Some(cure) => format!("{cure}; {again}"),
        None => format!("see that `{engine} push {tag}` works"),
    }
}

/// The cure for what a registry refused, as the CLI `engine` described it in `stderr`; `None` if that is no known fault.
pub fn cure(stderr: &str, engine: &str, registry: &str) -> Option<String> {
    let cure = hints::cure(&FAULTS, stderr)?;
    Some(cure.replace("{engine}", engine).replace("{registry}", registry))
}

#[cfg(test)]
mod tests {
    use super::{cure, for_push};

    #[test]
    fn each_fault_has_its_own_cure() {
        for (words, cure) in [
            ("no basic auth credentials", "`docker login reg:5000`"),
            ("unauthorized: authentication required", "`docker login reg:5000`"),
            (
                "Error: writing blob: initiating layer upload to /v2/a/blobs/uploads/ in reg:5000: unauthorized: \
                 authentication required",
                "`docker login reg:5000`",
            ),
            ("denied: requested access to the resource is denied", "who may do this"),
            ("denied: Permission \"artifactregistry.repositories.uploadArtifacts\" denied", "who may do this"),
            ("name unknown: The repository with name 'app' does not exist in the registry", "make it there first"),
            ("Get \"https://reg:5000/v2/\": http: server gave HTTP response to HTTPS client", "`insecure-registries`"),
            (
                "Get \"https://reg:5000/v2/\": x509: certificate signed by unknown authority",
                "/etc/docker/certs.d/reg:5000/ca.crt",
            ),
            (
                "Get \"http://reg:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused",
                "does not reach reg:5000",
            ),
            ("Get \"https://reg:5000/v2/\": dial tcp: lookup reg: no such host", "does not reach reg:5000"),
            (
                "Get \"https://reg:5000/v2/\": net/http: request canceled while waiting for connection (Client.Timeout \
                 exceeded while awaiting headers)",
                "does not reach reg:5000",
            ),
            ("Put \"http://reg:5000/v2/a/manifests/latest\": EOF", "went away"),
            ("received unexpected HTTP status: 503 Service Unavailable", "went away"),
            ("error parsing HTTP 413 response body: invalid character '<'", "client_max_body_size"),
            ("unsupported: The operation is unsupported.", "takes no pushes"),
            ("toomanyrequests: too many", "wants fewer"),
            ("Cannot connect to the Docker daemon at unix:///s. Is the docker daemon running?", "start the engine"),
            ("error during connect: Post \"http://%2Fs/v1.41/images/a/push\": EOF", "connection to the engine ended"),
            ("something else", "`docker push reg:5000/a` works"),
        ] {
            let hint = for_push(words, "docker", "reg:5000/a", "reg:5000");
            assert!(hint.contains(cure), "{words}: {hint}");
        }
    }

    #[test]
    fn a_name_without_an_account_is_no_ones_in_dockers_registry() {
        let words = "denied: requested access to the resource is denied";
        let pulled = "Error response from daemon: pull access denied for app, repository does not exist or may require \
                      'docker login': denied: requested access to the resource is denied";
        assert!(cure(pulled, "docker", "docker.io").is_some_and(|cure| cure.contains("of this name and tag")));
        assert!(for_push(words, "docker", "app:1", "docker.io").contains("`ACCOUNT/app:1`"));
        assert!(for_push(words, "docker", "me/app", "docker.io").contains("docker login"));
    }
}
