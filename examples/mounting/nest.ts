import "reflect-metadata";
import { Module, type OnModuleDestroy } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { createMonitor } from "titanqueue/monitor";

const monitor = createMonitor(); // of the engine in TITANQUEUE_URL

@Module({})
class AppModule implements OnModuleDestroy {
  onModuleDestroy(): Promise<void> {
    return monitor.close(); // ends live streams, for which Nest would wait
  }
}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
app.use("/admin/queues", monitor.node); // a global prefix does not apply here
app.enableShutdownHooks();

await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
console.log(`${await app.getUrl()}/admin/queues/`);
