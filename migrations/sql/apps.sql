-- app_client: a list the operator keeps. Names no person, case or account, so everybody who signs people in may read it.

GRANT SELECT ON app_client TO tongli_app;
