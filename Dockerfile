# The web app: its page, its API, and a worker; on a CPU. docs/how-to/serve.md says how to run it.
FROM python:3.12-slim

# What is installed: train is for training in the page; leave it out for a smaller image that only colors.
ARG EXTRAS=web-cluster,s3,train
# Where pip finds builds of torch without CUDA, which are a tenth of the size.
ARG PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /tinct
RUN /tinct/bin/python -m pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

RUN useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin tinct
USER tinct
WORKDIR /data
VOLUME /data
ENV PATH=/tinct/bin:/usr/local/bin:/usr/bin:/bin TINCT_DATA_DIR=/data PYTHONUNBUFFERED=1
EXPOSE 8000

# Any worker beside it has no page, and so no health of this kind: run it with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/v1/health', timeout=4)"]

# Others reach it, so it refuses to start without a token: docker run -e TINCT_TOKEN=... -p 8000:8000 -v tinct:/data tinct
ENTRYPOINT ["tinct"]
CMD ["serve", "--host", "0.0.0.0"]
