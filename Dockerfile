# The first command of README.md on a processor, with PyTorch's build without CUDA.
#
#   docker build --tag dropout-study .
#   docker run --rm dropout-study
FROM python:3.11-slim-bookworm

RUN pip install --no-cache-dir uv==0.13.9 \
    && useradd --uid 1000 --create-home reader
ENV UV_SYSTEM_PYTHON=1 \
    UV_TORCH_BACKEND=cpu

WORKDIR /home/reader/dropout-study
COPY . .
# The lock has the hashes of PyTorch's build with CUDA, the versions of which are those of this one.
RUN uv pip install --no-cache --compile-bytecode --no-verify-hashes \
        --constraints requirements.lock --editable . \
    && chown --recursive reader .

USER 1000
CMD ["python", "scripts/train.py", "-m"]
