//! Talking to web servers.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// An agent that waits at most so long for a connection, and for all of an answer.
pub fn agent(connect: Duration, whole: Duration) -> Agent {
    // What this machine trusts counts, as it does for other tools: companies have authorities of their own.
    let trust = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(trust)
        .timeout_connect(Some(connect))
        .timeout_global(Some(whole))
        .user_agent(concat!("minis2i/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
