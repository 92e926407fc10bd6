import time, httpx2
from conftest import MOUNT
def test_y(live_server, connection, issue_token):
    with httpx2.Client(base_url=f"{live_server.url}{MOUNT}", headers={"Authorization": f"Bearer {issue_token(connection)}"}) as client:
        for i in range(5):
            t=time.perf_counter(); r=client.get("/Users?count=1"); print(round((time.perf_counter()-t)*1000,1), r.status_code)
            t=time.perf_counter(); r=client.post("/Users", json={"userName":f"a{i}@b.c"}); print(round((time.perf_counter()-t)*1000,1), r.status_code)
        n=0
        from scim2_client.engines.httpx2 import SyncSCIMClient
        from scim2_tester import check_server
        orig=client.request; T=[0,0]
        def req(*a,**k):
            t=time.perf_counter(); r=orig(*a,**k); T[0]+=1; T[1]+=time.perf_counter()-t; return r
        client.request=req
        t=time.perf_counter(); check_server(SyncSCIMClient(client)); print(T, time.perf_counter()-t)
