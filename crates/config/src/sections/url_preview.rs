//! `[url_preview]`: what stands behind the links that people send.

use ipnet::IpNet;

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Previews of the pages behind links: title, description and picture, which this server fetches for its people. Off
    /// by default, because the owner of a page learns that somebody here was sent a link to it, and this server learns of
    /// links in encrypted rooms if programs ask for those. Never connects to this computer or a private network unless
    /// `allowed_private_networks` says so.
    pub struct UrlPreview in "url_preview" {
        /// Makes previews. While it is off, the endpoint isn't there (`M_UNRECOGNIZED`) and programs show the bare link.
        pub enabled: bool = false;
        /// The only hosts whose pages are fetched, each as `HOST`, or `*.DOMAIN` for all below a domain. Empty: all.
        pub allowed_hosts: Vec<String> = Vec::new(), like "[\"behoerde.example\", \"*.behoerde.example\"]";
        /// Hosts whose pages are not fetched, written in the same way. They have precedence.
        pub denied_hosts: Vec<String> = Vec::new(), like "[\"*.tracking.example\"]";
        /// The ports that are connected to.
        pub allowed_ports: Vec<u32> = vec![80, 443];
        /// Private networks whose pages may be fetched, such as those of the intranet. Everybody with an account can ask
        /// for any page there and sees its title.
        pub allowed_private_networks: Vec<IpNet> = Vec::new(), like "[\"10.20.0.0/16\"]";
        /// How much of a page is read, in bytes. What is in its first part is enough.
        pub max_page_bytes: u32 = 1024 * 1024;
        /// The largest picture that is shown with it, in bytes; `media.thumbnail_max_pixels` holds, too. 0: no pictures.
        pub max_picture_bytes: u32 = 5 * 1024 * 1024;
        /// How long fetching a page and its picture may take together, in seconds.
        pub timeout_s: u32 = 10;
    }
}

impl Check for UrlPreview {
    fn check(&self, source: &mut Source) {
        for (key, hosts) in [
            ("allowed_hosts", &self.allowed_hosts),
            ("denied_hosts", &self.denied_hosts),
        ] {
            for host in hosts {
                let name = host.strip_prefix("*.").unwrap_or(host);
                let is_name = ruma_identifiers_validation::server_name::validate(name).is_ok();
                let has_port = name.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
                if !is_name || has_port || name.contains('*') {
                    let message =
                        format!("\"{host}\" must be HOST or *.DOMAIN, without https:// and without a port");
                    source.refuse("url_preview", key, &message);
                }
            }
        }
        if self.allowed_ports.iter().any(|port| !(1..=65_535).contains(port)) {
            source.refuse(
                "url_preview",
                "allowed_ports",
                "must be ports between 1 and 65535",
            );
        }
        for (key, bytes, least) in [
            ("max_page_bytes", self.max_page_bytes, 1),
            ("max_picture_bytes", self.max_picture_bytes, 0),
        ] {
            if !(least..=MAX_BYTES).contains(&bytes) {
                let message =
                    format!("must be between {least} and {MAX_BYTES}: all of it is in memory at once");
                source.refuse("url_preview", key, &message);
            }
        }
        if !(1..=MAX_TIMEOUT_S).contains(&self.timeout_s) {
            let message = format!("must be between 1 and {MAX_TIMEOUT_S}: somebody is waiting");
            source.refuse("url_preview", "timeout_s", &message);
        }
    }
}

/// Some previews are made at the same time.
const MAX_BYTES: u32 = 64 * 1024 * 1024;
/// Below the time that a request may take.
const MAX_TIMEOUT_S: u32 = 60;
