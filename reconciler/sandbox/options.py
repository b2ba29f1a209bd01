"""How a sandbox behaves beyond the service's own rules."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Settings for rehearsals; the defaults are a service without latency, limits or faults.

    `latency_ms` delays every answer, `rate_limit` is requests a second (429 above it), `page_cap` the largest
    page served whatever `pageSize` asks for, `faults` rules as reconciler.sandbox.faults reads them,
    `token_lifetime` seconds until a token expires (oauth spec: 14399).
    """

    latency_ms: float = 0
    rate_limit: float | None = None
    page_cap: int | None = None
    faults: tuple[str, ...] = ()
    token_lifetime: int = 14399
