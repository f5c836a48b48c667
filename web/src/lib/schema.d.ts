export interface paths {}
export interface components { schemas: object }
