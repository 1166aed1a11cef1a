//! Whom this server speaks with.

use std::collections::BTreeSet;

use ruma::{OwnedServerName, ServerName};

/// The servers that this one speaks with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Partners {
    /// None.
    #[default]
    Nobody,
    /// Those that the operator named.
    Listed(BTreeSet<OwnedServerName>),
    /// All.
    Everybody,
}

/// What the operator decided about other servers.
#[derive(Clone, Debug, Default)]
pub struct Federation {
    /// Whom this server speaks with.
    pub partners: Partners,
    /// Where others find this server, if that doesn't follow from its name.
    pub address: Option<OwnedServerName>,
}

impl Federation {
    /// Whether there are other servers at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.partners != Partners::Nobody
    }

    /// Whether this server speaks with that one. Names are compared to the letter: one that is merely spelled alike is
    /// another server.
    #[must_use]
    pub fn allows(&self, name: &ServerName) -> bool {
        match &self.partners {
            Partners::Nobody => false,
            Partners::Listed(names) => names.contains(name),
            Partners::Everybody => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use ruma::{owned_server_name, server_name};

    use super::{Federation, Partners};

    #[test]
    fn only_listed_servers_are_partners() {
        let listed = Federation {
            partners: Partners::Listed([owned_server_name!("b.example")].into()),
            address: None,
        };
        assert!(listed.is_on() && listed.allows(server_name!("b.example")));
        for other in ["B.EXAMPLE", "b.example:8448", "a.b.example", "example"] {
            assert!(
                !listed.allows(<&ruma::ServerName>::try_from(other).unwrap()),
                "{other}"
            );
        }
        assert!(!Federation::default().is_on() && !Federation::default().allows(server_name!("b.example")));
    }
}
