"""What `init --scale` adds for compose.scale.yaml: PostgreSQL, an object store, the proxy's side of the role.

What the database and the proxy see of a role stands in folders of their own, so neither sees its keys.
"""

import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from wanderbuch.errors import ConfigurationError

PROCESSES: Final = ("1", "2")
"""What the services of a role end with."""
PROXY: Final = "10.89.77.10"
"""Where the proxy is in the network of the project, unless WANDERBUCH_NET says another."""
OBJECTS_SECRET: Final = "objects.secret"  # noqa: S105 (the name of a file)
_APP_PORTS: Final = {"authority": 8081, "issuer": 8082, "holder": 8083, "verifier": 8084}
_SITE: Final = """\
# The {role}'s sites at the proxy; `wanderbuch {role} init` wrote it.
upstream {role}_public {{
    {public}
    keepalive 16;
}}

upstream {role}_app {{
    {app}
    keepalive 16;
}}

server {{
    listen 8443 ssl;
    http2 on;
    server_name {host};
    ssl_certificate /etc/wanderbuch/{role}/public.crt;
    ssl_certificate_key /etc/wanderbuch/{role}/public.key;
    limit_conn connections 128;
    limit_req_status 503;
    limit_conn_status 503;
    error_page 503 = @later;

    location = /didcomm {{
        limit_req zone=messages burst=300 nodelay;
        # A message that comes twice has its effect once, so another process may be asked.
        proxy_next_upstream error timeout non_idempotent;
        proxy_pass https://{role}_public;
    }}

    location / {{
        limit_req zone=files burst=500 nodelay;
        proxy_pass https://{role}_public;
    }}

    location @later {{
        add_header Retry-After 2 always;
        return 503;
    }}
}}

# The REST API and the pages; compose.scale.yaml publishes it to this machine alone.
server {{
    listen {app_port};
    client_max_body_size 0;
    location / {{
        proxy_buffering off;
        proxy_read_timeout 1h;
        # One that starts says 503 until it is ready; what is only read may be asked of the other.
        proxy_next_upstream error timeout http_503;
        proxy_pass http://{role}_app;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the processes of a role run.

    Args:
        bucket: for the public files; each role takes a prefix of its name.
        access_key: of the object store; its secret is put beside the configuration by hand.
        objects_url: where the object store is; None: Amazon's.
        proxy: the address of the proxy in the project's network.
        unsafe_unencrypted: whether the object store may be asked without TLS.
    """

    bucket: str
    access_key: str
    objects_url: str | None
    proxy: str
    unsafe_unencrypted: bool

    def add_to(self, document: MutableMapping[str, Any], role: str, host: str) -> dict[str, str]:
        """Add to the configuration of one process what several need, and return the files to write beside it.

        Raises:
            ConfigurationError: the role has no services in compose.scale.yaml.
        """
        if role not in _APP_PORTS:
            raise ConfigurationError(
                f"compose.scale.yaml has no {role}",
                hint=f"leave --scale out, and see docs/{role}.md for several processes",
            )
        document["public"] |= {
            "tls_certificate": "proxy/public.crt",
            "tls_key": "proxy/public.key",
            "trusted_proxies": [self.proxy],
            "objects": {
                "bucket": self.bucket,
                "prefix": role,
                "url": self.objects_url,
                "access_key": self.access_key,
                "secret_file": OBJECTS_SECRET,
                "unsafe_unencrypted": True if self.unsafe_unencrypted else None,
            },
        }
        document["store"] = {
            "url": f"postgresql://{role}@database:5432/{role}",
            "password_file": "database/store.password",
            "unsafe_unencrypted": True,  # the network of the project, on one machine
        }
        return {"database/store.password": secrets.token_urlsafe(32), "proxy/site.conf": _site(role, host)}


def _site(role: str, host: str) -> str:
    def servers(port: int) -> str:
        return "\n    ".join(f"server {role}-{number}:{port} max_fails=1 fail_timeout=5s;" for number in PROCESSES)

    return _SITE.format(role=role, host=host, public=servers(8443), app=servers(8081), app_port=_APP_PORTS[role])
