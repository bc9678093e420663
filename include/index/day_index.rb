# Logstash's ruby filter: names the index of a document as include/index/days.py does, in [@metadata][index].
require 'date'

PAST = 400
FUTURE = 1

def filter(event)
  event.set('[@metadata][index]', index_of(event.get('received_at').to_s, Time.now.utc.to_date))
  [event]
end

def index_of(received_at, today)
  day = Date.strptime(received_at[/\A\d{4}-\d\d-\d\d(?=T)/].to_s, '%Y-%m-%d')
  day.between?(today - PAST, today + FUTURE) ? day.strftime('server-logs-%Y.%m.%d') : 'server-logs-odd'
rescue ArgumentError
  'server-logs-odd'
end
