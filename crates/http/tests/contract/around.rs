//! What stands around the server: a web site, an application service that listens, and a server with everything on.

use rohrpost_core::{
    appservices::Appservices,
    settings::{EmailSettings, Registration, Settings},
};
use rohrpost_testkit::{Builder, TestServer};
use tokio::task::JoinSet;

use crate::{bridge::Bridge, site::Site, url_previews::this_address};

/// The neighbours of a server. They are there as long as this is.
pub(super) struct Around {
    pub(super) site: Site,
    services: Appservices,
    _listening: JoinSet<std::io::Result<()>>,
}

impl Around {
    pub(super) async fn start() -> Self {
        let (_, services, listening) = Bridge::start().await;
        let site = Site::start().await;
        site.html("/page", "<title>Amt</title>");
        Self {
            site,
            services,
            _listening: listening,
        }
    }

    /// A server with everything on.
    pub(super) fn server(&self, registration: Registration) -> Builder {
        TestServer::with(|settings: &mut Settings| {
            settings.presence = true;
            settings.support.page = Some("https://test.example/help".to_owned());
            settings.support.policy_server_key =
                Some("6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s".to_owned());
            settings.registration = registration;
            settings.email = Some(EmailSettings {
                domains: vec!["amt.example".to_owned()],
                notices: true,
            });
            settings.appservices = self.services.clone();
            settings.url_preview = Some(self.site.settings());
        })
        .reaching(this_address())
    }
}
