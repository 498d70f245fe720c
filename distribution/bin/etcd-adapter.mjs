#!/usr/bin/env node
import "@etcd-adapter/core/cli";
