//! The parameters of a request: a query string or a form.

use std::collections::BTreeMap;

use super::OAuthRefusal;

/// Longest query string or form, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 2048;

/// The parameters of a request. There may be secrets in them, so there is no `Debug`.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query string or a form. Parameters without a value count as left out, as RFC 6749 wants it.
    ///
    /// # Errors
    /// `InvalidRequest` when it is too long or names a parameter twice.
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthRefusal> {
        if encoded.len() > MAX_BYTES {
            return Err(OAuthRefusal::InvalidRequest("the request is too long"));
        }
        let mut known = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if value.is_empty() {
                continue;
            }
            if value.len() > MAX_VALUE_BYTES || value.contains('\0') {
                return Err(OAuthRefusal::InvalidRequest(
                    "a parameter is too long or has a NUL character",
                ));
            }
            if known.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthRefusal::InvalidRequest("a parameter is there twice"));
            }
        }
        Ok(Self(known))
    }

    /// A parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub(super) fn need(&self, name: &str, missing: &'static str) -> Result<&str, OAuthRefusal> {
        self.get(name).ok_or(OAuthRefusal::InvalidRequest(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn reads_a_form_and_refuses_what_is_there_twice() {
        let parameters = Parameters::parse(b"a=1+2&b=%C3%A4&c=").unwrap_or_else(|_| panic!("a form"));
        assert_eq!(parameters.get("a"), Some("1 2"));
        assert_eq!(parameters.get("b"), Some("\u{e4}"));
        assert_eq!(parameters.get("c"), None);
        assert!(Parameters::parse(b"a=1&b=2&a=1").is_err());
        assert!(Parameters::parse(&[b'a'; 9000]).is_err());
        assert!(Parameters::parse(b"a=%00").is_err());
    }
}
