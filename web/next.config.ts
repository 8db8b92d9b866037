import type { NextConfig } from "next";

/** `next dev` passes /api on to a running BaseChat; elsewhere nginx does. */
const development: NextConfig = {
  compress: false,
  rewrites: async () => [
    { source: "/api/:path*", destination: `${process.env.API_URL ?? "http://127.0.0.1:8080"}/api/:path*` },
  ],
};

const config: NextConfig = process.env.NODE_ENV === "development" ? development : { output: "export" };

export default config;
