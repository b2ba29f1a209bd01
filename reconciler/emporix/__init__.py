"""The service: the only room that knows a URL or a JSON field of Emporix (DESIGN section 3).

Start with :class:`~reconciler.emporix.client.Client`, which sends, and :class:`~reconciler.emporix.iam.Iam`, which
knows what to send. Nothing is imported here, because httpx costs a tenth of a second that ``--help`` must not pay.
"""
