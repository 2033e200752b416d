"""What a user of the load test does: send a photograph of one megapixel, over and over. Run by bench_load.py."""

from __future__ import annotations

import os
from pathlib import Path

from locust import FastHttpUser, between, task

PHOTO = Path(os.environ["TINCT_BENCH_PHOTO"]).read_bytes()
BOUNDARY = "a-boundary-that-no-photograph-holds"
BODY = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n\r\n'.encode()
    + PHOTO
    + f"\r\n--{BOUNDARY}--\r\n".encode()
)
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


class Visitor(FastHttpUser):
    """Somebody who uploads, and waits for the colors; being told to come back later (429) is no error."""

    wait_time = between(0.5, 2)
    # On a slow machine fifty users wait long for one another.
    network_timeout = connection_timeout = 600.0

    @task
    def colorize(self) -> None:
        """Send the photograph, and wait."""
        path = "/api/v1/colorize"
        with self.client.post(path, data=BODY, headers=HEADERS, catch_response=True, name="colorize") as answer:
            if answer.status_code == 429:
                answer.request_meta["name"] = "refused"
                answer.success()
            elif answer.status_code == 200 and not answer.content.startswith(b"\xff\xd8"):
                answer.failure("200 without a JPEG")
