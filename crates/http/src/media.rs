//! Endpoints of this part are registered here.

use crate::routes::Routes;

pub(crate) fn routes(_routes: &mut Routes) {}
