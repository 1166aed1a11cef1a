//! Accounts: making them, signing in and out of them, proving who one is, closing them.
//!
//! Start reading at [`register`] and [`login`]; what both hand out is made in [`sign_in`]. Operations that need a
//! second look at who is asking go through [`uia`].

use std::net::IpAddr;

pub mod add;
pub mod change_password;
pub mod deactivate;
pub mod guest;
pub mod invitations;
pub mod invite;
pub mod list;
pub mod login;
pub mod login_token;
pub mod logout;
pub mod openid;
pub mod password;
pub mod profile;
pub mod refresh;
pub mod register;
pub mod reset_by_email;
pub mod reset_password;
pub mod restrict;
pub mod sign_in;
pub mod tidy;
pub mod uia;
pub mod username;
pub mod whois;

/// What requests from an address are counted under: an IPv6 network counts as one address, because whoever has one
/// of its addresses has them all.
pub(crate) fn address_key(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::address_key;

    #[test]
    fn counts_an_ipv6_network_as_one_address() {
        let key = |address: &str| address_key(address.parse().expect("an address"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:0:0:2"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
