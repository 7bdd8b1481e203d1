# Two images from one lock: `docker build --target service .` and `docker build --target training .`
# Stages stand in the order in which an engine without BuildKit needs them: it builds all that come before its target.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# uv, at the version and with the hashes of the lock, and with it what serving needs. Nothing of uv or pip goes further
# than this stage.
FROM ${BASE_IMAGE} AS packages
WORKDIR /build
COPY pyproject.toml requirements.lock ./
RUN python -m venv /uv \
 && sed -n '/^uv==/,/# via/p' requirements.lock > uv.txt \
 && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.txt
# Bytecode is compiled here because the user who runs it can't write it. TensorFlow's C++ headers (430 MB) go: they are
# for compiling one's own operations.
RUN python -m venv --without-pip /venv \
 && /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --require-hashes \
      -c requirements.lock -r pyproject.toml \
 && rm -rf /venv/lib/python3*/site-packages/tensorflow/include

# The project itself, installed from its source beside the packages, so that a change of code costs only this.
FROM packages AS code
COPY README.md LICENSE ./
COPY model model
COPY training training
COPY service service
RUN /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --no-deps --no-build-isolation \
      --target /app .

FROM ${BASE_IMAGE} AS runtime
RUN useradd --uid 10001 --create-home bifocal \
 && install --directory --owner bifocal --group bifocal /models /runs /state
COPY --from=packages /venv /venv
ENV PATH=/app/bin:/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
WORKDIR /home/bifocal
USER bifocal

FROM runtime AS service
COPY --from=code /app /app
EXPOSE 8000
# http.client asks the service itself, whatever proxy the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "\
import os; from http.client import HTTPConnection; \
c = HTTPConnection('127.0.0.1', int(os.environ['BIFOCAL_PORT']), timeout=4); c.request('GET', '/readyz'); \
raise SystemExit(c.getresponse().status != 200)"]
ENV BIFOCAL_MODELS=/models BIFOCAL_HOST=0.0.0.0 BIFOCAL_PORT=8000 BIFOCAL_STATE_DIR=/state
ENTRYPOINT ["bifocal-service"]
CMD ["serve"]

# Only the files that the training extra adds, so that both images share the large layer with TensorFlow.
FROM packages AS training-packages
RUN touch /before \
 && /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --require-hashes \
      -c requirements.lock -r pyproject.toml --extra training \
 && mkdir /added && cd /venv \
 && find . -cnewer /before ! -type d -print0 | tar --create --null --files-from - | tar --extract --directory /added

FROM runtime AS training
COPY --from=training-packages /added /venv
COPY --from=code /app /app
ENTRYPOINT ["bifocal-training"]
CMD ["--help"]
