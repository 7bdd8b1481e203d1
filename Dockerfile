# Two images from one lock: `docker build --target service .` and `docker build --target training .`
# Stages stand in the order in which an engine without BuildKit needs them: it builds all that come before its target.
# Any Debian image with Python 3.11 to 3.13 will do; nothing below needs its shell, its pip or its package manager to run.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# uv, at the version and with the hashes of the lock, and with it what serving needs. Nothing of uv, pip, binutils or the
# compiler goes further than this stage and the next.
FROM ${BASE_IMAGE} AS packages
WORKDIR /build
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends binutils g++ libc6-dev >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml requirements.lock ./
RUN python -m venv /uv \
 && sed -n '/^uv==/,/# via/p' requirements.lock > uv.txt \
 && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.txt
# Extras of pyproject.toml that both images are to have, with spaces between: "gpu", "traces".
ARG EXTRAS=
# Bytecode is compiled here because the user who runs it can't write it. What goes, 0.8 GB, is needed by no program that
# runs: TensorFlow's C++ headers, for compiling operations; libclang, which it names as a dependency for its own build;
# the converter of StableHLO; and the symbol tables for debuggers (the ones for the dynamic linker stay). Only
# TensorFlow's files are stripped: other wheels' libraries were patched in ways that strip breaks.
# tests/deploy/test_images.py holds that serving, explaining and training do without.
RUN python -m venv --without-pip /venv \
 && /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --require-hashes \
      -c requirements.lock -r pyproject.toml $(for extra in ${EXTRAS}; do echo --extra "${extra}"; done) \
 && cd /venv/lib/python3*/site-packages \
 && rm -rf tensorflow/include tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so clang \
 && find tensorflow tensorflow_text -type f \( -name '*.so' -o -name '*.so.*' \) -exec strip --strip-unneeded {} +

# The project itself, installed from its source beside the packages, so that a change of code costs only this.
FROM packages AS code
COPY README.md LICENSE ./
COPY model model
COPY training training
COPY service service
RUN /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --no-deps --no-build-isolation \
      --target /app . \
 && ls /app/model/native/_library*.so >/dev/null

FROM ${BASE_IMAGE} AS runtime
RUN useradd --uid 10001 --create-home bifocal \
 && install --directory --owner bifocal --group bifocal /models /runs /data /state
COPY --from=packages /venv /venv
# Nothing of a run has to go to a home that may not be there, or not be writable.
ENV PATH=/app/bin:/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 KERAS_HOME=/tmp/keras MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
LABEL org.opencontainers.image.title="Bifocal" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM runtime AS service
WORKDIR /home/bifocal
COPY --from=code /app /app
EXPOSE 8000
ENV BIFOCAL_MODELS=/models BIFOCAL_HOST=0.0.0.0 BIFOCAL_PORT=8000 BIFOCAL_STATE_DIR=/state
# http.client asks the service itself, whatever proxy the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "\
import os; from http.client import HTTPConnection; \
c = HTTPConnection('127.0.0.1', int(os.environ['BIFOCAL_PORT']), timeout=4); c.request('GET', '/readyz'); \
raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["bifocal-service"]
CMD ["serve"]
# Last, because they change with every release.
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.description="Serves classifiers that look at a picture and its words together." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Only the files that the training extra adds, so that both images share the large layer with TensorFlow.
FROM packages AS training-packages
RUN touch /before \
 && /uv/bin/uv pip install --quiet --python /venv/bin/python --no-cache --compile-bytecode --require-hashes \
      -c requirements.lock -r pyproject.toml --extra training \
 && mkdir /added && cd /venv \
 && find . -cnewer /before ! -type d -print0 | tar --create --null --files-from - | tar --extract --directory /added

# Its working directory is /, so that what the documentation calls runs/, models/ and data/ are the three volumes.
FROM runtime AS training
WORKDIR /
COPY --from=training-packages /added /venv
COPY --from=code /app /app
ENTRYPOINT ["bifocal-training"]
CMD ["--help"]
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.description="Trains classifiers that look at a picture and its words together." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
