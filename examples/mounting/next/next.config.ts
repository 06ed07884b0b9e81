export default {
  serverExternalPackages: ["titanqueue"], // it reads its pages from where it is installed, so it cannot be bundled
};
