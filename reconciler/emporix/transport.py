"""What carries requests under httpx."""

import httpx
import urllib3


class PooledTransport(httpx.BaseTransport):
    """Kept-alive connections shared by threads."""

    def __init__(self, most: int) -> None:
        self._pools = urllib3.PoolManager(maxsize=most, num_pools=4)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request."""
        timeout = request.extensions["timeout"]
        try:
            answer = self._pools.urlopen(
                request.method,
                str(request.url),
                body=request.content,
                headers=dict(request.headers),
                retries=False,
                redirect=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=timeout["connect"], read=timeout["read"]),
            )
        except urllib3.exceptions.ConnectTimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except urllib3.exceptions.NewConnectionError as error:
            raise httpx.ConnectError(str(error)) from error
        except urllib3.exceptions.TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise httpx.ReadError(str(error)) from error
        return httpx.Response(answer.status, headers=list(answer.headers.items()), content=answer.data)

    def close(self) -> None:
        """Closes idle connections."""
        self._pools.clear()
